-- Every use of a tool with what came of it: who allowed it, how long it waited for that, how long it took, how it ended.
-- A use and its answers are events of one session that name the use's id. Who has not answered yet has no time.
SELECT
  uses.session_id AS session_id,
  uses.event_id AS tool_use_id,
  uses.thread_id AS thread_id,
  multiIf(uses.type = 'agent.mcp_tool_use', 'mcp', uses.type = 'agent.custom_tool_use', 'custom', 'agent') AS kind,
  JSONExtractString(uses.detail, 'tool_name') AS tool,
  JSONExtractString(uses.detail, 'mcp_server_name') AS server,
  JSONExtractString(uses.detail, 'permission') AS permission,
  JSONExtractString(uses.detail, 'permission_policy') AS permission_policy,
  JSONExtractString(uses.detail, 'input_hash') AS input_hash,
  toString(uses.occurred_at) AS used_at,
  answers.confirmation AS confirmation,
  answers.confirmed_by AS confirmed_by,
  if(answers.confirmations = 0, NULL, greatest(0, dateDiff('millisecond', uses.occurred_at, answers.confirmed_at))) AS waited_ms,
  if(answers.results = 0, NULL, greatest(0, dateDiff('millisecond', uses.occurred_at, answers.answered_at))) AS duration_ms,
  answers.is_error AS is_error
FROM
(
  SELECT * FROM tollgate.session_events FINAL
  WHERE type IN ('agent.tool_use', 'agent.mcp_tool_use', 'agent.custom_tool_use')
    AND (empty({session_id: String}) OR session_id = {session_id: String})
    AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
) AS uses
LEFT JOIN
(
  SELECT
    session_id,
    JSONExtractString(detail, 'tool_use_id') AS of_use,
    countIf(type = 'user.tool_confirmation') AS confirmations,
    countIf(type != 'user.tool_confirmation') AS results,
    anyIf(JSONExtractString(detail, 'confirmation'), type = 'user.tool_confirmation') AS confirmation,
    anyIf(sent_by, type = 'user.tool_confirmation') AS confirmed_by,
    minIf(occurred_at, type = 'user.tool_confirmation') AS confirmed_at,
    minIf(occurred_at, type != 'user.tool_confirmation') AS answered_at,
    maxIf(JSONExtractBool(detail, 'is_error'), type != 'user.tool_confirmation') AS is_error
  FROM tollgate.session_events FINAL
  WHERE type IN ('agent.tool_result', 'agent.mcp_tool_result', 'user.tool_result', 'user.custom_tool_result', 'user.tool_confirmation')
    AND (empty({session_id: String}) OR session_id = {session_id: String})
    AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
  GROUP BY session_id, of_use
) AS answers ON answers.session_id = uses.session_id AND answers.of_use = uses.event_id
ORDER BY uses.occurred_at, uses.event_id
LIMIT {rows_max: UInt32}
