-- What was used, as the upstream said it. One row per upstream event; anything may arrive twice, late, or by two
-- gateways, and ReplacingMergeTree keeps the row that knows most (`ver`). Money is read with FINAL, never summed at
-- insert: a summing view counts a re-sent event again.
--
-- Key: the upstream's event id, made findable by day and session. The day comes first because reports read ranges of
-- days. Partition and key use the upstream's time, which never changes for an event, so all its copies share one
-- partition and FINAL may work partition by partition. Neither team nor model is in the key: who owns a session may
-- be learnt later (it is joined from `sessions` when read), and so may the model (the row is written again).
-- Session ids have a bloom filter: the writer looks up the unpriced rows of a few sessions at every batch.
-- No TTL: a row may go only after its period is closed and exported, which a clock alone cannot know.
CREATE TABLE IF NOT EXISTS tollgate.usage_events /*ON CLUSTER*/
(
  event_id String,
  session_id String,
  thread_id String,
  kind LowCardinality(String),
  occurred_at DateTime64(6, 'UTC'),
  is_error UInt8,
  event_speed LowCardinality(String),
  input_tokens UInt64,
  output_tokens UInt64,
  cache_read_tokens UInt64,
  cache_write_5m_tokens UInt64,
  cache_write_1h_tokens UInt64,
  model LowCardinality(String),
  speed LowCardinality(String),
  inference_geo LowCardinality(String),
  cost_usd Nullable(Decimal(38, 12)), -- NULL: no price is known; zero only when the price times the tokens is zero
  price_id LowCardinality(String),
  unpriced_reason String,
  ver UInt64,
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
  INDEX ix_session session_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = {ReplacingMergeTree(ver)}
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (toDate(occurred_at), session_id, event_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Cumulative totals the upstream stated of a session: checkpoints, never to be summed.
-- Key: the totals themselves (`snapshot_key`), not the time, so that a client polling a session adds one row per
-- change and not one per poll. The upstream's own event wins over our sight of the object, then the earliest sight.
CREATE TABLE IF NOT EXISTS tollgate.usage_snapshots /*ON CLUSTER*/
(
  session_id String,
  snapshot_key String,
  observed_at DateTime64(6, 'UTC'),
  source LowCardinality(String),
  active_ms UInt64,
  input_tokens UInt64,
  output_tokens UInt64,
  cache_read_tokens UInt64,
  cache_write_5m_tokens UInt64,
  cache_write_1h_tokens UInt64,
  web_search_requests UInt64,
  list_cost_cents Nullable(Int64),
  ver UInt64
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY (session_id, snapshot_key)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
