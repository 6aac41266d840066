-- List prices as they were known when: `effective_from` says since when a price holds, `recorded_at` since when we know.
-- Every version is the whole card, so that a price taken back is taken back; rows are only ever added. `book_hash` tells
-- two gateways apart that recorded different books under one number: the one recorded first has it.
CREATE TABLE IF NOT EXISTS tollgate.rate_card /*ON CLUSTER*/
(
  rate_version UInt32,
  sku LowCardinality(String),
  effective_from DateTime64(3, 'UTC'),
  unit LowCardinality(String),
  unit_size UInt64,
  unit_price Decimal(38, 12),
  currency LowCardinality(String),
  recorded_at DateTime64(3, 'UTC'),
  source String,
  book_hash String
)
ENGINE = {ReplacingMergeTree}
ORDER BY (rate_version, book_hash, sku, effective_from)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
