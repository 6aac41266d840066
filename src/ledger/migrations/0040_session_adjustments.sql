-- What the upstream's own count says beyond the facts: one row a session, rewritten whole whenever either grows.
CREATE TABLE IF NOT EXISTS tollgate.session_adjustments /*ON CLUSTER*/
(
  session_id String,
  at Array(DateTime64(3, 'UTC')),
  sku Array(LowCardinality(String)),
  model Array(LowCardinality(String)),
  quantity Array(Int64),
  cost_usd Array(Nullable(Decimal(38, 12))),
  reason Array(LowCardinality(String)),
  generation UInt64
)
ENGINE = {ReplacingMergeTree(generation)}
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
