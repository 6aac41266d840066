-- Tokens of every session that was active in a period, over its whole life, by what they were priced as: the `price_id`
-- without its day. What has no price is left out.
SELECT
  session_id,
  replaceRegexpOne(toString(price_id), '@[^/]*', '') AS priced_as,
  toString(sum(input_tokens)) AS input,
  toString(sum(output_tokens)) AS output,
  toString(sum(cache_read_tokens)) AS cache_read,
  toString(sum(cache_write_5m_tokens)) AS cache_write_5m,
  toString(sum(cache_write_1h_tokens)) AS cache_write_1h
FROM tollgate.usage_events FINAL
WHERE kind = 'model_request' AND price_id != '' AND session_id IN
(
  SELECT session_id
  FROM tollgate.usage_events
  WHERE kind = 'model_request'
    AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  UNION DISTINCT
  SELECT session_id
  FROM tollgate.usage_snapshots
  WHERE observed_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND observed_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
)
GROUP BY session_id, priced_as
ORDER BY session_id, priced_as
LIMIT {rows_max: UInt64}
SETTINGS do_not_merge_across_partitions_select_final = 1
