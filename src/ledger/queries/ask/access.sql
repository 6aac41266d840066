-- Who has access now, in which team, through which roles, and what did they last use?
-- Takes: team agent
-- Who had access at an earlier time: check out the `policies/` repository at the hash that `policy-at` names, and ask `tollgate policy who-can`.
WITH
  listed AS
  (
    SELECT each.1 AS caller, each.2 AS team, each.3 AS roles, each.4 AS key_id, each.5 AS created_ms, each.6 AS expires_ms, each.7 AS revoked_ms
    FROM (SELECT arrayJoin(JSONExtract({directory: String}, 'Array(Tuple(String, String, String, String, Int64, Int64, Int64))')) AS each)
  ),
  used AS
  (
    SELECT caller, team, toString(max(started_at)) AS last_used, countIf(operation = 'sessions.create' AND status < 300) AS sessions
    FROM tollgate.exchanges FINAL
    WHERE empty({agent: String}) OR agent_id = {agent: String}
    GROUP BY caller, team
  )
SELECT listed.caller AS caller, listed.team AS team, any(listed.roles) AS roles, countIf(listed.key_id != '') AS keys, any(used.last_used) AS last_used,
  any(used.sessions) AS sessions
FROM listed
LEFT JOIN used ON used.caller = listed.caller AND used.team = listed.team
WHERE empty({team: String}) OR listed.team = {team: String}
GROUP BY caller, team
ORDER BY team, caller
LIMIT {rows_max: UInt32}
