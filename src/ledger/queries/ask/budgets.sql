-- Which sessions ran without a spending limit, had it moved or taken away and by whom, or were stopped by it?
-- Takes: team from to
--
SELECT *
FROM
(
  SELECT toString(started_at) AS at, session_id, team, caller, operation,
    multiIf(has(lines, 'session.budget budget/removed'), 'taken away', has(lines, 'session.budget budget/changed'), 'moved',
      has(lines, 'session.budget budget/set'), 'set', 'none') AS what
  FROM (SELECT *, splitByChar('\n', capabilities) AS lines FROM tollgate.exchanges FINAL WHERE status < 300 AND started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String}))
  WHERE arrayExists(line -> startsWith(line, 'session.budget '), lines)
  UNION ALL
  SELECT toString(events.occurred_at), events.session_id, owner.team, '', events.type, JSONExtractString(events.detail, 'stop_reason')
  FROM
  (
    SELECT * FROM tollgate.session_events FINAL
    WHERE type = 'session.status_idle' AND JSONExtractString(detail, 'stop_reason') LIKE '%budget%'
      AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  ) AS events
  LEFT JOIN (SELECT session_id, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = events.session_id
  WHERE empty({team: String}) OR owner.team = {team: String}
)
ORDER BY at, session_id
LIMIT {rows_max: UInt32}
