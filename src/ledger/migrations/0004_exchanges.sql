-- Every request through the gateway, for audit: who, what, decided how, answered what. No bodies, no secrets.
-- Key: our exchange id, which begins with its time, so the key is in order of time too; month of the start for
-- keeping and dropping. A record sent twice is one row.
CREATE TABLE IF NOT EXISTS tollgate.exchanges /*ON CLUSTER*/
(
  exchange_id String,
  started_at DateTime64(3, 'UTC'),
  duration_ms Float64,
  operation LowCardinality(String),
  method LowCardinality(String),
  path String,
  team LowCardinality(String),
  caller LowCardinality(String),
  key_id LowCardinality(String),
  client_ip String,
  user_agent LowCardinality(String),
  decision LowCardinality(String),
  error_code LowCardinality(String),
  rules String,
  policy_hash LowCardinality(String),
  agent_id String,
  agent_version UInt32,
  agent_version_requested LowCardinality(String),
  pin_kind LowCardinality(String),
  session_id String,
  status UInt16,
  end_reason LowCardinality(String),
  upstream_request_id String,
  request_bytes UInt64,
  response_bytes UInt64,
  events UInt64,
  trace_id String,
  retry_count UInt32,
  INDEX ix_session session_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = {ReplacingMergeTree}
PARTITION BY toYYYYMM(started_at)
ORDER BY exchange_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Journal records the writer could not read: set aside whole, so that they block nothing and are not lost.
-- Key: a hash of the record, so that a replay of the journal adds nothing.
CREATE TABLE IF NOT EXISTS tollgate.quarantined_records /*ON CLUSTER*/
(
  record_key String,
  kind LowCardinality(String),
  reason String,
  content String,
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {ReplacingMergeTree}
ORDER BY record_key
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
