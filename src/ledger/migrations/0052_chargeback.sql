-- What teams are charged, line by line, as it was when a period was closed. Append only: what a closed period turned out to
-- have wrong becomes lines of the next one. Lines count when `periods` names their close: an unfinished close counts for nothing.
CREATE TABLE IF NOT EXISTS tollgate.chargeback_lines /*ON CLUSTER*/
(
  close_id String,
  line_id String,
  period LowCardinality(String),
  charge_period_start Date,
  charge_period_end Date,
  charge_category LowCardinality(String),
  charge_class LowCardinality(String),
  corrects_period LowCardinality(String),
  team LowCardinality(String),
  cost_centre LowCardinality(String),
  agent_id String,
  agent_version UInt32,
  model LowCardinality(String),
  environment_id String,
  sku LowCardinality(String),
  quantity Decimal(38, 0),
  unit LowCardinality(String),
  unit_size Decimal(38, 0),
  rate_version UInt32,
  terms_version UInt32,
  list_unit_price Decimal(38, 12),
  contracted_unit_price Decimal(38, 12),
  billed_unit_price Decimal(38, 12),
  list_cost Decimal(38, 12),
  contracted_cost Decimal(38, 12),
  billed_cost Decimal(38, 12),
  currency LowCardinality(String),
  reason String
)
ENGINE = {ReplacingMergeTree}
ORDER BY (period, close_id, line_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Closed periods. Of two gateways that close one at the same moment, the first by the database's clock is the one that counts.
CREATE TABLE IF NOT EXISTS tollgate.periods /*ON CLUSTER*/
(
  period LowCardinality(String),
  close_id String,
  closed_at DateTime64(3, 'UTC'),
  closed_by String,
  lines UInt64,
  lines_hash String, -- sha256 over the lines' canonical texts, in order of their ids
  list_cost Decimal(38, 12),
  billed_cost Decimal(38, 12),
  rate_version UInt32,
  terms_version UInt32,
  accepted String, -- why it was closed although something did not tie; '' when all did
  recorded_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = {ReplacingMergeTree}
ORDER BY (period, close_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
