-- What was let through although a pin found fault with it, stopped after the fact, or exempted by a change of policy?
-- Takes: team from to
-- Tickets and reasons stand in `policies/`, where the change was reviewed.
SELECT *
FROM
(
  SELECT 'let through' AS what, toString(started_at) AS at, caller, team, session_id AS about, replaceAll(pin_findings, '\n', '; ') AS detail
  FROM tollgate.exchanges FINAL
  WHERE pin_findings LIKE '%observe %' AND status < 300 AND started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String})
  UNION ALL
  SELECT if(action = '', outcome, action), toString(checked_at), caller, team, session_id, arrayStringConcat(differences, '; ')
  FROM tollgate.session_verifications FINAL
  WHERE outcome != 'same' AND checked_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND checked_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String})
  UNION ALL
  SELECT 'policy changed', toString(changed_at), '', '', files, diff
  FROM tollgate.policy_changes FINAL
  WHERE empty({team: String}) AND changed_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND changed_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
)
ORDER BY at, what, about
LIMIT {rows_max: UInt32}
