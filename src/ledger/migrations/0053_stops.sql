-- What somebody stopped: orders and their lifting. A lifted one stays, for the record.
CREATE TABLE IF NOT EXISTS tollgate.stops /*ON CLUSTER*/
(
  stop_id String,
  kind LowCardinality(String),
  target String,
  version UInt32, -- of an agent; 0 is every one
  reason String,
  ordered_by String,
  ordered_at_ms UInt64,
  until_ms UInt64, -- 0 has no end
  archive UInt8,
  lifted_by String,
  lifted_at_ms UInt64, -- 0 is not lifted
  ver UInt64
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY stop_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
