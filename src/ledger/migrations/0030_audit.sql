-- Audit entries: one canonical JSON text for each record that must be kept as it was. The text is what is hashed, chained
-- and signed for; the other columns are read out of it, and `tollgate audit verify` checks that they say the same.
-- Key: the gateway's own sequence, and the hash beside it, so that writing an entry again is one row, while a different
-- entry under the same number stays in sight.
CREATE TABLE IF NOT EXISTS tollgate.audit_entries /*ON CLUSTER*/
(
  gateway LowCardinality(String),
  seq UInt64,
  kind LowCardinality(String),
  record_id String,
  occurred_at_ms UInt64,
  leaf_hash String,
  entry String,
  INDEX ix_record record_id TYPE bloom_filter GRANULARITY 1,
  INDEX ix_time occurred_at_ms TYPE minmax GRANULARITY 1
)
ENGINE = {ReplacingMergeTree}
ORDER BY (gateway, seq, leaf_hash)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Signed heads of each gateway's Merkle tree, as signed notes. `frontier` and `last_leaf` let a reader begin there; they
-- are worth what the signed root says of them.
-- Key: the checkpoint's number, and the note, for the same reason as above.
CREATE TABLE IF NOT EXISTS tollgate.audit_checkpoints /*ON CLUSTER*/
(
  gateway LowCardinality(String),
  number UInt64,
  size UInt64,
  time_ms UInt64,
  note String,
  frontier Array(String),
  last_leaf String
)
ENGINE = {ReplacingMergeTree}
ORDER BY (gateway, number, note)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
