-- Of every session that was active in a period: what its facts add up to over its whole life, and what the upstream has
-- stated of it, for holding the two against each other. A snapshot is cumulative, so its largest is its last.
WITH
  active AS
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
  ),
  facts AS
  (
    SELECT
      session_id,
      sum(input_tokens) AS input_tokens,
      sum(output_tokens) AS output_tokens,
      sum(cache_read_tokens) AS cache_read_tokens,
      sum(cache_write_5m_tokens + cache_write_1h_tokens) AS cache_write_tokens,
      countIf(isNull(cost_usd)) AS unpriced_requests,
      sum(ifNull(cost_usd, toDecimal128(0, 12))) AS token_cost_usd,
      toUnixTimestamp64Milli(max(occurred_at)) AS last_fact_ms,
      toUnixTimestamp64Milli(min(occurred_at)) AS first_fact_ms
    FROM tollgate.usage_events FINAL
    WHERE kind = 'model_request' AND session_id IN (SELECT session_id FROM active)
    GROUP BY session_id
  ),
  stated AS
  (
    SELECT
      session_id,
      max(input_tokens) AS input_tokens,
      max(output_tokens) AS output_tokens,
      max(cache_read_tokens) AS cache_read_tokens,
      max(cache_write_5m_tokens + cache_write_1h_tokens) AS cache_write_tokens,
      max(active_ms) AS active_ms,
      max(web_search_requests) AS web_search_requests,
      max(list_cost_cents) AS list_cost_cents,
      toUnixTimestamp64Milli(max(observed_at)) AS last_stated_ms
    FROM tollgate.usage_snapshots FINAL
    WHERE session_id IN (SELECT session_id FROM active)
    GROUP BY session_id
  ),
  runs AS
  (
    SELECT
      session_id,
      arraySum(
        (status, start, end, open) -> if(
          status = 'running' AND open = 0 AND isNotNull(end),
          toUnixTimestamp64Milli(assumeNotNull(end)) - toUnixTimestamp64Milli(start),
          0
        ),
        statuses, started_at, ended_at, provisional
      ) AS running_ms,
      arrayExists((status, open) -> status = 'running' AND open = 1, statuses, provisional) AS is_running
    FROM tollgate.session_intervals FINAL
    WHERE session_id IN (SELECT session_id FROM active)
  )
SELECT
  active.session_id AS session_id,
  facts.input_tokens AS fact_input_tokens,
  facts.output_tokens AS fact_output_tokens,
  facts.cache_read_tokens AS fact_cache_read_tokens,
  facts.cache_write_tokens AS fact_cache_write_tokens,
  facts.unpriced_requests AS unpriced_requests,
  facts.token_cost_usd AS token_cost_usd,
  facts.last_fact_ms AS last_fact_ms,
  facts.first_fact_ms AS first_fact_ms,
  stated.input_tokens AS stated_input_tokens,
  stated.output_tokens AS stated_output_tokens,
  stated.cache_read_tokens AS stated_cache_read_tokens,
  stated.cache_write_tokens AS stated_cache_write_tokens,
  stated.active_ms AS stated_active_ms,
  stated.web_search_requests AS stated_web_searches,
  stated.list_cost_cents AS list_cost_cents,
  stated.last_stated_ms AS last_stated_ms,
  runs.running_ms AS running_ms,
  runs.is_running AS is_running
FROM active
LEFT JOIN facts ON facts.session_id = active.session_id
LEFT JOIN stated ON stated.session_id = active.session_id
LEFT JOIN runs ON runs.session_id = active.session_id
WHERE NOT startsWith(session_id, 'messages/')
ORDER BY session_id
LIMIT {rows_max: UInt64}
SETTINGS do_not_merge_across_partitions_select_final = 1
