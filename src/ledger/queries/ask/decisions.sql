-- Which decisions were made, by which rules of which policy, and would the candidate have said otherwise?
-- Takes: team caller from to
-- Whether today’s policy would say the same is asked with `tollgate policy diff --since`, which judges the recorded capabilities anew.
SELECT exchange_id, toString(started_at) AS at, caller, team, operation, decision, error_code, rules, policy_hash,
  replaceAll(capabilities, '\n', '; ') AS capabilities, shadow AS candidate_says_otherwise
FROM tollgate.exchanges FINAL
WHERE started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
  AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  AND (empty({team: String}) OR team = {team: String}) AND (empty({caller: String}) OR caller = {caller: String})
ORDER BY started_at DESC, exchange_id
LIMIT {rows_max: UInt32}
