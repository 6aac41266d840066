-- What did a team’s model requests cost in a period, by model and by the line of the price book they were rated with?
-- Takes: team! from to
-- Running time and web searches are in `tollgate usage`; whether all of it ties to the invoice is asked with `tollgate reconcile`.
SELECT
  used.model AS model, used.price_id AS price, count() AS model_requests,
  sum(used.input_tokens) AS input_tokens, sum(used.output_tokens) AS output_tokens, sum(used.cache_read_tokens) AS cache_read_tokens,
  sum(used.cache_write_5m_tokens + used.cache_write_1h_tokens) AS cache_write_tokens,
  toString(sum(ifNull(used.cost_usd, toDecimal128(0, 12)))) AS token_cost_usd, countIf(isNull(used.cost_usd)) AS unpriced
FROM (SELECT * FROM tollgate.usage_events FINAL WHERE kind IN ('model_request', 'message', 'message_part')) AS used
INNER JOIN (SELECT session_id FROM tollgate.sessions FINAL WHERE team = {team: String}) AS owner ON owner.session_id = used.session_id
WHERE used.occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC') AND used.occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
GROUP BY model, price
ORDER BY model, price
LIMIT {rows_max: UInt32}
