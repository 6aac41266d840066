-- Adjustments of a time, one a row: where a session's facts were not what the upstream counts, and why.
SELECT
  session_id,
  toString(each_at) AS at,
  each_reason AS reason,
  each_category AS category,
  each_model AS model,
  each_quantity AS quantity,
  toString(each_cost_usd) AS cost_usd,
  owner.team AS team
FROM
(
  SELECT session_id, each_at, each_reason, each_category, each_model, each_quantity, each_cost_usd
  FROM tollgate.session_adjustments FINAL
  ARRAY JOIN
    at AS each_at,
    reason AS each_reason,
    category AS each_category,
    model AS each_model,
    quantity AS each_quantity,
    cost_usd AS each_cost_usd
  WHERE (empty({session_id: String}) OR session_id = {session_id: String})
    AND each_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND each_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
) AS found
LEFT JOIN (SELECT session_id, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = found.session_id
ORDER BY each_at, session_id, reason, category
LIMIT {rows_max: UInt32}
