-- Who created these objects, as far as creations were seen. Sessions have a table of their own.
SELECT object_id, argMin(team, ver) AS team, argMin(caller, ver) AS caller
FROM
(
  SELECT object_id, team, caller, toUInt64(toUnixTimestamp64Milli(seen_at)) AS ver
  FROM tollgate.object_owners
  WHERE object_kind = {kind: String} AND object_id IN {ids: Array(String)}
  UNION ALL
  SELECT session_id AS object_id, team, caller, toUInt64(0) AS ver
  FROM tollgate.sessions
  WHERE {kind: String} = 'session' AND session_id IN {ids: Array(String)} AND team != ''
)
GROUP BY object_id
