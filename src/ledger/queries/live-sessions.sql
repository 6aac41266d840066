-- Sessions that may still use something: not ended, and seen at work since a moment; with what the upstream lets each of
-- them spend, and its own count of what they have. `named` are told in any case, ended or not.
WITH
  edges AS
  (
    SELECT
      session_id,
      maxIf(occurred_at, scope != 'observed') AS last_edge_at,
      argMaxIf(status, (occurred_at, ver), scope IN ('session', 'observed')) AS last_status,
      max(status = 'terminated' AND scope IN ('session', 'observed')) AS has_ended
    FROM tollgate.session_status FINAL
    GROUP BY session_id
    HAVING (has_ended = 0 AND last_edge_at >= fromUnixTimestamp64Milli({since_ms: Int64}, 'UTC'))
      OR has({named: Array(String)}, session_id)
  ),
  stated AS
  (
    SELECT
      session_id,
      max(input_tokens + output_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens) AS tokens,
      max(active_ms) AS active_ms,
      max(ifNull(list_cost_cents, 0)) AS spent_cents
    FROM tollgate.usage_snapshots FINAL
    WHERE session_id IN (SELECT session_id FROM edges)
    GROUP BY session_id
  )
SELECT
  edges.session_id AS session_id,
  toString(owner.team) AS team,
  toString(owner.caller) AS caller,
  owner.agent_id AS agent_id,
  owner.agent_version AS agent_version,
  owner.deployment_id AS deployment_id,
  toString(owner.model) AS model,
  toString(caps.limit_cents) AS limit_cents,
  toString(greatest(0, ifNull(stated.spent_cents, 0))) AS spent_cents,
  toString(stated.tokens) AS tokens,
  toString(stated.active_ms) AS active_ms,
  toString(toUnixTimestamp64Milli(edges.last_edge_at)) AS last_edge_ms,
  toUInt8(edges.last_status NOT IN ('idle', 'terminated')) AS is_at_work,
  toUInt8(edges.has_ended) AS has_ended
FROM edges
LEFT JOIN (SELECT session_id, team, caller, agent_id, agent_version, deployment_id, model FROM tollgate.sessions FINAL) AS owner ON owner.session_id = edges.session_id
LEFT JOIN (SELECT session_id, limit_cents FROM tollgate.session_limits FINAL) AS caps ON caps.session_id = edges.session_id
LEFT JOIN stated ON stated.session_id = edges.session_id
ORDER BY last_edge_at DESC, session_id
LIMIT {rows_max: UInt64}
SETTINGS do_not_merge_across_partitions_select_final = 1
