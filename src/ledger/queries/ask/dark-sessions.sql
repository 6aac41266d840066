-- Which sessions did not come through the gateway, what ran in them, and what did they use?
-- Takes: from to
-- Sessions of workspaces this gateway has no key for show only in the provider’s account: `tollgate reconcile`.
WITH
  used AS
  (
    SELECT session_id, count() AS model_requests, sum(ifNull(cost_usd, toDecimal128(0, 12))) AS token_cost_usd
    FROM tollgate.usage_events FINAL
    WHERE kind = 'model_request'
    GROUP BY session_id
  )
SELECT s.session_id AS session_id, toString(s.created_at) AS created_at, s.agent_id AS agent_id, s.agent_name AS agent_name,
  s.agent_version AS agent_version, s.model AS model, s.deployment_id AS deployment_id, used.model_requests AS model_requests,
  toString(used.token_cost_usd) AS token_cost_usd
FROM (SELECT * FROM tollgate.sessions FINAL) AS s
LEFT JOIN used ON used.session_id = s.session_id
WHERE s.team = '' AND NOT startsWith(s.session_id, 'messages/')
  AND s.created_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
  AND s.created_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
ORDER BY s.created_at, session_id
LIMIT {rows_max: UInt32}
