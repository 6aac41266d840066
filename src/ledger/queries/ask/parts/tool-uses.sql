-- Uses of tools of a time, and the first answer to the confirmation of each: what the questions about tools begin with.
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
