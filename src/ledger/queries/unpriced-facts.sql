-- The facts of some sessions that have no price yet, each once: what may be priced now that more is known.
SELECT
  session_id,
  event_id,
  kind,
  thread_id,
  occurred_at,
  event_speed,
  event_model,
  event_geo,
  service_tier,
  web_search_requests,
  is_error,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_5m_tokens,
  cache_write_1h_tokens,
  ver
FROM tollgate.usage_events FINAL
WHERE session_id IN {session_ids: Array(String)} AND isNull(cost_usd) AND kind IN ('model_request', 'outcome_grading')
SETTINGS do_not_merge_across_partitions_select_final = 1
