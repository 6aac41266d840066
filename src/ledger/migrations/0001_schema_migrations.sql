-- What was applied, so that nothing is applied twice and an edited file is noticed.
-- The key holds the sha256 too: two gateways of different builds that migrate at once leave two rows, not one winner.
CREATE TABLE IF NOT EXISTS tollgate.schema_migrations /*ON CLUSTER*/ (
  name String,
  sha256 String,
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
) ENGINE = {ReplacingMergeTree} ORDER BY (name, sha256);
