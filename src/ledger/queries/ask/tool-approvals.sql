-- Who answered the confirmation of each tool use, how long did it wait, what was its input, and was it the one who started the session?
-- Takes: session team from to
-- An answer that did not come through this gateway has no name.
WITH
  uses AS
  (
  SELECT
    session_id, event_id, occurred_at,
    JSONExtractString(detail, 'tool_name') AS tool, JSONExtractString(detail, 'mcp_server_name') AS server,
    JSONExtractString(detail, 'permission') AS permission, JSONExtractString(detail, 'permission_policy') AS permission_policy,
    JSONExtractString(detail, 'input_hash') AS input_hash
  FROM tollgate.session_events FINAL
  WHERE type IN ('agent.tool_use', 'agent.mcp_tool_use', 'agent.custom_tool_use')
    AND (empty({session: String}) OR session_id = {session: String})
    AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  ),
  answers AS
  (
  SELECT session_id, JSONExtractString(detail, 'tool_use_id') AS use_id, argMin(JSONExtractString(detail, 'confirmation'), occurred_at) AS answer,
    argMin(sent_by, occurred_at) AS exchange_id, min(occurred_at) AS answered_at
  FROM tollgate.session_events FINAL
  WHERE type = 'user.tool_confirmation' AND (empty({session: String}) OR session_id = {session: String})
  GROUP BY session_id, use_id
  )
SELECT
  uses.session_id AS session_id, uses.event_id AS tool_use_id, uses.tool AS tool, uses.server AS server, answers.answer AS answer,
  e.caller AS answered_by, e.key_id AS key_id, owner.caller AS started_by,
  if(e.caller = '', 'not known', if(e.caller = owner.caller, 'no', 'yes')) AS is_another_person,
  dateDiff('millisecond', uses.occurred_at, answers.answered_at) AS waited_ms, uses.input_hash AS input_hash, toString(answers.answered_at) AS at
FROM uses
INNER JOIN answers ON answers.session_id = uses.session_id AND answers.use_id = uses.event_id
LEFT JOIN (SELECT exchange_id, caller, key_id FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.send') AS e ON e.exchange_id = answers.exchange_id
LEFT JOIN (SELECT session_id, caller, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = uses.session_id
WHERE empty({team: String}) OR owner.team = {team: String}
ORDER BY answers.answered_at, tool_use_id
LIMIT {rows_max: UInt32}
