-- Which sessions were handed something whose name contains a text: a repository, vault, environment, file, memory or host?
-- Takes: match! team from to
-- Which class of data a thing holds is not known here: name its repository, vault or environment.
SELECT session_id, toString(started_at) AS at, team, caller, operation, line AS capability, exchange_id
FROM (SELECT *, arrayJoin(splitByChar('\n', capabilities)) AS line FROM tollgate.exchanges FINAL WHERE session_id != '' AND status < 300 AND started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
  AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String}))
WHERE positionCaseInsensitiveUTF8(line, {match: String}) > 0
ORDER BY started_at, session_id, line
LIMIT {rows_max: UInt32}
