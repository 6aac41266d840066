-- What was used in a period, by UTC day, owner and SKU: whole numbers of tokens, milliseconds and searches; for adjustments,
-- pico-dollars at list price. Running time is what is over or was stated: what still runs is in nobody's bill yet, and only
-- told where somebody asks for it (`with_open`). By caller only where somebody asks for callers (`by_caller`).
WITH
  86400000 AS day_ms,
  requests AS
  (
    SELECT
      session_id,
      intDiv(toUnixTimestamp64Milli(occurred_at), day_ms) AS day,
      model AS own_model,
      concat(
        if(isNull(cost_usd), concat('unpriced/', if(model = '', '(unknown)', model)), replaceRegexpOne(toString(price_id), '@[^/]*', '')),
        ':', category
      ) AS sku,
      toInt64(tokens) AS quantity
    FROM
    (
      SELECT *
      FROM tollgate.usage_events FINAL
      WHERE kind IN ('model_request', 'message', 'message_part')
        AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
        AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
    )
    ARRAY JOIN
      ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] AS category,
      [input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens] AS tokens
    WHERE tokens > 0
  ),
  message_searches AS
  (
    SELECT session_id, intDiv(toUnixTimestamp64Milli(occurred_at), day_ms) AS day, model AS own_model, 'web-search' AS sku, toInt64(web_search_requests) AS quantity
    FROM tollgate.usage_events FINAL
    WHERE kind IN ('message', 'message_part') AND web_search_requests > 0
      AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  ),
  searches AS
  (
    SELECT session_id, toUnixTimestamp64Milli(observed_at) AS at_ms,
      greatest(0, toInt64(web_search_requests) - max(toInt64(web_search_requests)) OVER earlier) AS added
    FROM tollgate.usage_snapshots FINAL
    WINDOW earlier AS
      (PARTITION BY session_id ORDER BY observed_at, snapshot_key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ),
  runs AS
  (
    SELECT
      session_id,
      greatest(toUnixTimestamp64Milli(interval_start), {from_ms: Int64}) AS start_ms,
      least(
        if(isNull(interval_end), toUnixTimestamp64Milli(now64(3, 'UTC')), toUnixTimestamp64Milli(assumeNotNull(interval_end))),
        {to_ms: Int64}
      ) AS end_ms
    FROM
    (
      SELECT session_id, interval_status, interval_start, interval_end, interval_provisional
      FROM tollgate.session_intervals FINAL
      ARRAY JOIN statuses AS interval_status, started_at AS interval_start, ended_at AS interval_end, provisional AS interval_provisional
    )
    WHERE interval_status = 'running' AND end_ms > start_ms
      AND ({with_open: UInt8} = 1 OR (interval_provisional = 0 AND isNotNull(interval_end)))
  ),
  running AS
  (
    SELECT session_id, toInt64(day_number) AS day, '' AS own_model, 'session-hour' AS sku,
      least(end_ms, (toInt64(day_number) + 1) * day_ms) - greatest(start_ms, toInt64(day_number) * day_ms) AS quantity
    FROM runs
    ARRAY JOIN range(toUInt64(intDiv(start_ms, day_ms)), toUInt64(intDiv(end_ms - 1, day_ms) + 1)) AS day_number
  ),
  adjusted AS
  (
    SELECT session_id, intDiv(toUnixTimestamp64Milli(each_at), day_ms) AS day, toString(each_model) AS own_model,
      concat('adjustment/', each_reason) AS sku, toInt128(assumeNotNull(each_cost) * toDecimal128(1000000000000, 0)) AS quantity
    FROM
    (
      SELECT session_id, each_at, each_model, each_reason, each_cost
      FROM tollgate.session_adjustments FINAL
      ARRAY JOIN at AS each_at, model AS each_model, reason AS each_reason, cost_usd AS each_cost
    )
    WHERE isNotNull(each_cost) AND each_cost != 0
      AND each_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
      AND each_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  ),
  used AS
  (
    SELECT session_id, day, own_model, sku, quantity FROM requests
    UNION ALL SELECT session_id, day, own_model, sku, quantity FROM message_searches
    UNION ALL SELECT session_id, intDiv(at_ms, day_ms), '', 'web-search', added FROM searches
      WHERE added > 0 AND at_ms >= {from_ms: Int64} AND at_ms < {to_ms: Int64}
    UNION ALL SELECT session_id, day, own_model, sku, quantity FROM running
    UNION ALL SELECT session_id, day, own_model, sku, quantity FROM adjusted
  )
SELECT
  used.day AS day,
  if(owner.team = '', 'UNALLOCATED', toString(owner.team)) AS team,
  if({by_caller: UInt8} = 1, toString(owner.caller), '') AS caller,
  owner.agent_id AS agent_id,
  owner.agent_version AS agent_version,
  if(used.own_model = '', toString(owner.model), toString(used.own_model)) AS model,
  owner.environment_id AS environment_id,
  used.sku AS sku,
  toString(sum(used.quantity)) AS quantity
FROM used
LEFT JOIN (SELECT session_id, team, caller, agent_id, agent_version, model, environment_id FROM tollgate.sessions FINAL) AS owner
  ON owner.session_id = used.session_id
GROUP BY day, team, caller, agent_id, agent_version, model, environment_id, sku
HAVING sum(used.quantity) != 0
ORDER BY day, team, caller, agent_id, agent_version, model, environment_id, sku
LIMIT {rows_max: UInt64}
SETTINGS do_not_merge_across_partitions_select_final = 1
