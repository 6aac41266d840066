-- Usage of a time range by one dimension, optionally by bucket. Read with FINAL, so copies count once; attribution
-- is joined at the end, so an owner learnt late moves all of a session's usage at once.
-- Intervals are cut at the range and at every full hour, or only at every midnight where nobody asks for hours.
-- Prices change at midnight UTC, so each piece has one rate: `rate` is the number of price changes at or before it.
-- The row with is_total = 1 is there for its count of distinct sessions, which is not the sum of the lines. More rows
-- than the limit are too many to show, so that some of them are missing then makes no difference.
WITH
  {piece_ms: Int64} AS piece_size_ms,
  requests AS
  (
    SELECT
      session_id,
      toUnixTimestamp64Milli(occurred_at) AS at_ms,
      if(model = '', '(unknown)', model) AS own_model,
      toInt64(input_tokens) AS input_tokens,
      toInt64(output_tokens) AS output_tokens,
      toInt64(cache_read_tokens) AS cache_read_tokens,
      toInt64(cache_write_5m_tokens) AS cache_write_5m_tokens,
      toInt64(cache_write_1h_tokens) AS cache_write_1h_tokens,
      1 AS model_requests,
      isNull(cost_usd) AS unpriced_requests,
      ifNull(cost_usd, toDecimal128(0, 12)) AS token_cost_usd,
      0 AS running_ms,
      0 AS provisional_running_ms,
      0 AS idle_ms,
      0 AS waiting_ms,
      0 AS rescheduling_ms,
      toInt64(web_search_requests) AS web_search_requests
    FROM tollgate.usage_events FINAL
    WHERE kind IN ('model_request', 'message', 'message_part')
      AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  ),
  intervals AS
  (
    SELECT
      session_id,
      interval_status,
      interval_provisional,
      greatest(toUnixTimestamp64Milli(interval_start), {from_ms: Int64}) AS start_ms,
      least(
        if(isNull(interval_end), toUnixTimestamp64Milli(now64(3, 'UTC')), toUnixTimestamp64Milli(assumeNotNull(interval_end))),
        {to_ms: Int64}
      ) AS end_ms
    FROM
    (
      SELECT session_id, interval_status, interval_start, interval_end, interval_provisional
      FROM tollgate.session_intervals FINAL
      ARRAY JOIN
        statuses AS interval_status,
        started_at AS interval_start,
        ended_at AS interval_end,
        provisional AS interval_provisional
    )
    WHERE end_ms > start_ms
  ),
  pieces AS
  (
    SELECT
      session_id,
      greatest(start_ms, piece * piece_size_ms) AS at_ms,
      '' AS own_model,
      0 AS input_tokens,
      0 AS output_tokens,
      0 AS cache_read_tokens,
      0 AS cache_write_5m_tokens,
      0 AS cache_write_1h_tokens,
      0 AS model_requests,
      0 AS unpriced_requests,
      toDecimal128(0, 12) AS token_cost_usd,
      if(interval_status = 'running' AND interval_provisional = 0, piece_ms, 0) AS running_ms,
      if(interval_status = 'running' AND interval_provisional = 1, piece_ms, 0) AS provisional_running_ms,
      if(interval_status = 'idle', piece_ms, 0) AS idle_ms,
      if(interval_status = 'waiting', piece_ms, 0) AS waiting_ms,
      if(interval_status = 'rescheduling', piece_ms, 0) AS rescheduling_ms,
      0 AS web_search_requests,
      least(end_ms, (piece + 1) * piece_size_ms) - at_ms AS piece_ms
    FROM intervals
    ARRAY JOIN range(toUInt64(intDiv(start_ms, piece_size_ms)), toUInt64(intDiv(end_ms - 1, piece_size_ms) + 1)) AS piece
  ),
  -- Web searches are only ever stated as a running total: each new maximum adds what it exceeds the last one by.
  searches AS
  (
    SELECT
      session_id,
      toUnixTimestamp64Milli(observed_at) AS at_ms,
      toInt64(web_search_requests) AS total,
      greatest(0, total - max(total) OVER earlier) AS added
    FROM tollgate.usage_snapshots FINAL
    WINDOW earlier AS
      (PARTITION BY session_id ORDER BY observed_at, snapshot_key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ),
  -- What the upstream counted beyond facts, or less: tokens and money, each with its sign.
  adjustments AS
  (
    SELECT
      session_id,
      toUnixTimestamp64Milli(adjusted_at) AS at_ms,
      toString(adjusted_model) AS own_model,
      if(adjusted_category = 'input', adjusted_by, 0) AS input_tokens,
      if(adjusted_category = 'output', adjusted_by, 0) AS output_tokens,
      if(adjusted_category = 'cache_read', adjusted_by, 0) AS cache_read_tokens,
      if(adjusted_category = 'cache_write_5m', adjusted_by, 0) AS cache_write_5m_tokens,
      if(adjusted_category = 'cache_write_1h', adjusted_by, 0) AS cache_write_1h_tokens,
      ifNull(adjusted_usd, toDecimal128(0, 12)) AS by_usd
    FROM tollgate.session_adjustments FINAL
    ARRAY JOIN
      at AS adjusted_at,
      model AS adjusted_model,
      category AS adjusted_category,
      quantity AS adjusted_by,
      cost_usd AS adjusted_usd
    WHERE at_ms >= {from_ms: Int64} AND at_ms < {to_ms: Int64}
  ),
  activity AS
  (
    SELECT
      session_id, at_ms, own_model,
      input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
      model_requests, unpriced_requests, token_cost_usd,
      running_ms, provisional_running_ms, idle_ms, waiting_ms, rescheduling_ms, web_search_requests,
      0 AS adjustments, toDecimal128(0, 12) AS adjustment_cost_usd
    FROM requests
    UNION ALL
    SELECT
      session_id, at_ms, own_model,
      input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
      0, 0, by_usd,
      0, 0, 0, 0, 0, 0, 1, by_usd
    FROM adjustments
    UNION ALL
    SELECT
      session_id, at_ms, own_model,
      input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
      model_requests, unpriced_requests, token_cost_usd,
      running_ms, provisional_running_ms, idle_ms, waiting_ms, rescheduling_ms, web_search_requests,
      0, toDecimal128(0, 12)
    FROM pieces
    UNION ALL
    SELECT
      session_id, at_ms, '', 0, 0, 0, 0, 0, 0, 0, toDecimal128(0, 12), 0, 0, 0, 0, 0, added, 0, toDecimal128(0, 12)
    FROM searches
    WHERE added > 0 AND at_ms >= {from_ms: Int64} AND at_ms < {to_ms: Int64}
  ),
  attributed AS
  (
    SELECT
      activity.*,
      arrayCount(boundary -> boundary <= at_ms, {rate_boundaries_ms: Array(Int64)}) AS rate,
      multiIf(
        {bucket: String} = 'hour', toStartOfHour(fromUnixTimestamp64Milli(at_ms, 'UTC')),
        {bucket: String} = 'day', toStartOfDay(fromUnixTimestamp64Milli(at_ms, 'UTC')),
        toDateTime(0, 'UTC')
      ) AS bucket_start,
      multiIf(
        {group_by: String} = 'team', if(owner.team = '', '(unattributed)', owner.team),
        {group_by: String} = 'caller', if(owner.caller = '', '(unattributed)', owner.caller),
        {group_by: String} IN ('agent', 'agent_version', 'environment') AND startsWith(session_id, 'messages/'), '(messages)',
        {group_by: String} = 'agent', if(owner.agent_id = '', '(unknown)', owner.agent_id),
        {group_by: String} = 'agent_version',
          if(owner.agent_id = '', '(unknown)', concat(owner.agent_id, '@', toString(owner.agent_version))),
        -- Running time and web searches of a session go to the model of its agent.
        {group_by: String} = 'model',
          multiIf(own_model != '', own_model, owner.model = '', '(unknown)', toString(owner.model)),
        {group_by: String} = 'environment', if(owner.environment_id = '', '(unknown)', owner.environment_id),
        session_id
      ) AS group_key
    FROM activity
    LEFT JOIN
    (
      SELECT session_id, team, caller, agent_id, agent_version, model, environment_id
      FROM tollgate.sessions FINAL
    ) AS owner ON activity.session_id = owner.session_id
  )
SELECT
  group_key AS key,
  if({bucket: String} = '', NULL, formatDateTime(bucket_start, '%Y-%m-%dT%H:%i:%SZ')) AS bucket,
  sum(line.input_tokens) AS input_tokens,
  sum(line.output_tokens) AS output_tokens,
  sum(line.cache_read_tokens) AS cache_read_tokens,
  sum(line.cache_write_5m_tokens) AS cache_write_5m_tokens,
  sum(line.cache_write_1h_tokens) AS cache_write_1h_tokens,
  sum(line.model_requests) AS model_requests,
  sum(line.unpriced_requests) AS unpriced_requests,
  sum(line.token_cost_usd) AS token_cost_usd,
  sum(line.running_ms) AS running_ms,
  sum(line.provisional_running_ms) AS provisional_running_ms,
  sum(line.idle_ms) AS idle_ms,
  sum(line.waiting_ms) AS waiting_ms,
  sum(line.rescheduling_ms) AS rescheduling_ms,
  sum(line.web_search_requests) AS web_search_requests,
  sum(line.adjustments) AS adjustments,
  sum(line.adjustment_cost_usd) AS adjustment_cost_usd,
  sumMap(map(line.rate, line.running_ms)) AS running_ms_by_rate,
  sumMap(map(line.rate, line.web_search_requests)) AS web_searches_by_rate,
  -- Direct calls of the Messages API are kept under an id per caller: no session.
  uniqExactIf(session_id, NOT startsWith(session_id, 'messages/')) AS sessions,
  grouping(group_key) AS is_total
FROM attributed AS line
GROUP BY GROUPING SETS ((group_key, bucket_start), ())
LIMIT {rows_max: UInt64}
SETTINGS do_not_merge_across_partitions_select_final = 1
