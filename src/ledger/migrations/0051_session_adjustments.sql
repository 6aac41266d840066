-- What the upstream's own count of a session says beyond its facts, or less: one row a session, rewritten whole whenever
-- either grows, so that a fact found later takes its adjustment away. Position `n` of each array is one adjustment.
CREATE TABLE IF NOT EXISTS tollgate.session_adjustments /*ON CLUSTER*/
(
  session_id String,
  at Array(DateTime64(3, 'UTC')),
  category Array(LowCardinality(String)),  -- of tokens; '' for one of money alone
  model Array(LowCardinality(String)),
  quantity Array(Int64),
  cost_usd Array(Nullable(Decimal(38, 12))), -- NULL: no price is known
  reason Array(LowCardinality(String)),
  generation UInt64
)
ENGINE = {ReplacingMergeTree(generation)}
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
