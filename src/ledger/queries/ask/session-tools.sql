-- Which tools could the session use, and which did it use, how often and with what outcome?
-- Takes: session!
-- Tools of agent versions that were saved elsewhere are not known as enabled.
WITH
  agent AS (SELECT agent_id, agent_version FROM tollgate.sessions FINAL WHERE session_id = {session: String}),
  enabled AS
  (
    SELECT arrayJoin(splitByChar('\n', capabilities)) AS line
    FROM tollgate.exchanges FINAL
    WHERE (operation = 'sessions.create' AND session_id = {session: String})
      OR exchange_id IN
      (
        SELECT exchange_id FROM tollgate.agent_versions FINAL
        WHERE (agent_id, version) IN (SELECT agent_id, agent_version FROM agent)
      )
  ),
  used AS
  (
    SELECT
      event_id AS use_id,
      concat(if(server = '', '', concat(server, '/')), JSONExtractString(detail, 'tool_name')) AS tool,
      JSONExtractString(detail, 'mcp_server_name') AS server,
      JSONExtractString(detail, 'permission') AS permission
    FROM tollgate.session_events FINAL
    WHERE session_id = {session: String} AND type IN ('agent.tool_use', 'agent.mcp_tool_use', 'agent.custom_tool_use')
  ),
  answers AS
  (
    SELECT
      JSONExtractString(detail, 'tool_use_id') AS use_id,
      maxIf(JSONExtractBool(detail, 'is_error'), type != 'user.tool_confirmation') AS is_error,
      countIf(type != 'user.tool_confirmation') AS results,
      maxIf(JSONExtractString(detail, 'confirmation') = 'deny', type = 'user.tool_confirmation') AS is_denied
    FROM tollgate.session_events FINAL
    WHERE session_id = {session: String} AND JSONHas(detail, 'tool_use_id')
    GROUP BY use_id
  )
SELECT *
FROM
(
  SELECT
    'used' AS what, used.tool AS tool, count() AS times, countIf(used.permission = 'ask') AS asked,
    sum(answers.is_denied) AS denied, sum(answers.is_error) AS errors, countIf(answers.results = 0) AS without_result
  FROM used
  LEFT JOIN answers ON answers.use_id = used.use_id
  GROUP BY tool
  UNION ALL
  SELECT 'enabled', replaceRegexpOne(line, '^[a-z.]+ [a-z]+/', ''), 0, 0, 0, 0, 0
  FROM enabled
  WHERE startsWith(line, 'tool.enable ') OR startsWith(line, 'mcp.connect ')
  GROUP BY line
)
ORDER BY what, tool
LIMIT {rows_max: UInt32}
