-- What a request that went up left open about versions, whether or not a class looked at it.
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS exposure LowCardinality(String);

-- Sessions as the upstream answered them, held against what was pinned. Key: the exchange; each is compared once.
CREATE TABLE IF NOT EXISTS tollgate.session_verifications /*ON CLUSTER*/
(
  exchange_id String,
  checked_at DateTime64(3, 'UTC'),
  team LowCardinality(String),
  caller LowCardinality(String),
  session_id String,
  agent_id String,
  agent_version UInt32,
  pin_class LowCardinality(String),
  mode LowCardinality(String),
  outcome LowCardinality(String),
  differences Array(String), -- JSON paths in the session's `agent`
  expected_hash String,
  answered_hash String,
  action LowCardinality(String)
)
ENGINE = {ReplacingMergeTree}
ORDER BY exchange_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
