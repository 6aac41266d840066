-- Which tool uses needed a confirmation by policy and have a result without one?
-- Takes: session team from to
-- No line is the good answer.
WITH
  /* parts/tool-uses.sql: uses, answers */,
  results AS
  (
    SELECT session_id, JSONExtractString(detail, 'tool_use_id') AS use_id, min(occurred_at) AS result_at
    FROM tollgate.session_events FINAL
    WHERE type IN ('agent.tool_result', 'agent.mcp_tool_result', 'user.tool_result', 'user.custom_tool_result')
    GROUP BY session_id, use_id
  )
SELECT
  uses.session_id AS session_id, uses.event_id AS tool_use_id, uses.tool AS tool, uses.server AS server, uses.permission AS permission,
  uses.permission_policy AS permission_policy, toString(results.result_at) AS result_at, owner.team AS team
FROM uses
INNER JOIN results ON results.session_id = uses.session_id AND results.use_id = uses.event_id
LEFT JOIN answers ON answers.session_id = uses.session_id AND answers.use_id = uses.event_id
LEFT JOIN (SELECT session_id, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = uses.session_id
WHERE (uses.permission = 'ask' OR uses.permission_policy = 'always_ask')
  AND (answers.answer = '' OR answers.answered_at > results.result_at)
  AND (empty({team: String}) OR owner.team = {team: String})
ORDER BY uses.occurred_at, tool_use_id
LIMIT {rows_max: UInt32}
