-- Of some sessions, over their whole lives: what their facts add up to and what the upstream has stated, for what the one
-- lacks of the other. A snapshot is cumulative, so the largest is the last; one that is smaller than one before it is odd.
WITH
  facts AS
  (
    SELECT
      session_id,
      sumIf(input_tokens, kind = 'model_request') AS input,
      sumIf(output_tokens, kind = 'model_request') AS output,
      sumIf(cache_read_tokens, kind = 'model_request') AS cache_read,
      sumIf(cache_write_5m_tokens, kind = 'model_request') AS cache_write_5m,
      sumIf(cache_write_1h_tokens, kind = 'model_request') AS cache_write_1h,
      sumIf(input_tokens, kind = 'outcome_grading') AS judge_input,
      sumIf(output_tokens, kind = 'outcome_grading') AS judge_output,
      sumIf(cache_read_tokens, kind = 'outcome_grading') AS judge_cache_read,
      sumIf(cache_write_5m_tokens, kind = 'outcome_grading') AS judge_cache_write_5m,
      sumIf(cache_write_1h_tokens, kind = 'outcome_grading') AS judge_cache_write_1h,
      countIf(kind = 'model_request' AND isNull(cost_usd)) AS unpriced_requests,
      sumIf(ifNull(cost_usd, toDecimal128(0, 12)), kind = 'model_request') AS token_cost_usd,
      toUnixTimestamp64Milli(min(occurred_at)) AS first_fact_ms,
      toUnixTimestamp64Milli(max(occurred_at)) AS last_fact_ms,
      -- Grows with every fact, and with everything learnt of one.
      count() + sum(ver) AS known
    FROM tollgate.usage_events FINAL
    WHERE session_id IN {session_ids: Array(String)} AND kind IN ('model_request', 'outcome_grading')
    GROUP BY session_id
  ),
  stated AS
  (
    SELECT
      session_id,
      max(input_tokens) AS input,
      max(output_tokens) AS output,
      max(cache_read_tokens) AS cache_read,
      argMax(cache_write_5m_tokens, (cache_write_5m_tokens + cache_write_1h_tokens, observed_at)) AS cache_write_5m,
      argMax(cache_write_1h_tokens, (cache_write_5m_tokens + cache_write_1h_tokens, observed_at)) AS cache_write_1h,
      max(active_ms) AS most_active_ms,
      max(web_search_requests) AS web_searches,
      max(list_cost_cents) AS most_cents,
      toUnixTimestamp64Milli(max(observed_at)) AS last_stated_ms,
      count() AS snapshots,
      arrayMap(pair -> pair.2, arraySort(groupArrayIf((observed_at, toInt64(active_ms)), source = 'event' AND active_ms > 0))) AS times,
      arrayMap(
        pair -> pair.2,
        arraySort(groupArrayIf((observed_at, toInt64(input_tokens + output_tokens)), source = 'event' AND input_tokens + output_tokens > 0))
      ) AS counts
    FROM tollgate.usage_snapshots FINAL
    WHERE session_id IN {session_ids: Array(String)}
    GROUP BY session_id
  ),
  runs AS
  (
    SELECT
      session_id,
      arrayExists((status, open) -> status = 'running' AND open = 1, statuses, provisional) AS is_running,
      generation
    FROM tollgate.session_intervals FINAL
    WHERE session_id IN {session_ids: Array(String)}
  )
SELECT
  stated.session_id AS session_id,
  facts.input AS fact_input,
  facts.output AS fact_output,
  facts.cache_read AS fact_cache_read,
  facts.cache_write_5m AS fact_cache_write_5m,
  facts.cache_write_1h AS fact_cache_write_1h,
  facts.judge_input AS judge_input,
  facts.judge_output AS judge_output,
  facts.judge_cache_read AS judge_cache_read,
  facts.judge_cache_write_5m AS judge_cache_write_5m,
  facts.judge_cache_write_1h AS judge_cache_write_1h,
  facts.unpriced_requests AS unpriced_requests,
  facts.token_cost_usd AS token_cost_usd,
  facts.first_fact_ms AS first_fact_ms,
  facts.last_fact_ms AS last_fact_ms,
  stated.input AS stated_input,
  stated.output AS stated_output,
  stated.cache_read AS stated_cache_read,
  stated.cache_write_5m AS stated_cache_write_5m,
  stated.cache_write_1h AS stated_cache_write_1h,
  stated.most_active_ms AS stated_active_ms,
  stated.web_searches AS stated_web_searches,
  stated.most_cents AS list_cost_cents,
  stated.last_stated_ms AS last_stated_ms,
  runs.is_running AS is_running,
  arrayExists(step -> step < 0, arrayDifference(stated.times))
    OR arrayExists(step -> step < 0, arrayDifference(stated.counts)) AS counted_down,
  facts.known + stated.snapshots + runs.generation AS generation
FROM stated
LEFT JOIN facts ON facts.session_id = stated.session_id
LEFT JOIN runs ON runs.session_id = stated.session_id
SETTINGS do_not_merge_across_partitions_select_final = 1
