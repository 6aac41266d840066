-- The sessions of a team that used most in a period: tokens at list price and running time, dearest first.
SELECT used.session_id AS session_id, any(owner.agent_id) AS agent_id, toString(sum(used.usd)) AS token_cost_usd, sum(used.ms) AS running_ms
FROM
(
  SELECT session_id, ifNull(cost_usd, toDecimal128(0, 12)) AS usd, toInt64(0) AS ms
  FROM tollgate.usage_events FINAL
  WHERE kind IN ('model_request', 'message', 'message_part')
    AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  UNION ALL
  SELECT session_id, toDecimal128(0, 12), least(toUnixTimestamp64Milli(assumeNotNull(end)), {to_ms: Int64}) - greatest(toUnixTimestamp64Milli(start), {from_ms: Int64}) AS ms
  FROM tollgate.session_intervals FINAL
  ARRAY JOIN statuses AS status, started_at AS start, ended_at AS end, provisional AS open
  WHERE status = 'running' AND open = 0 AND isNotNull(end) AND ms > 0
) AS used
INNER JOIN (SELECT session_id, agent_id, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = used.session_id
WHERE owner.team = {team: String} OR (owner.team = '' AND {team: String} = 'UNALLOCATED')
GROUP BY session_id
ORDER BY sum(used.usd) DESC, running_ms DESC, session_id
LIMIT {rows_max: UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
