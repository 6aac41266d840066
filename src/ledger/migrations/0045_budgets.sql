-- The spending limit a session has upstream (`budget.max_list_cost`), as its object said last; 0: it has none.
CREATE TABLE IF NOT EXISTS tollgate.session_limits /*ON CLUSTER*/
(
  session_id String,
  limit_cents UInt64,
  ver UInt64 -- when it was seen, ms
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Which thresholds of which budgets were told, so that each is told once, by whichever gateway saw it first.
CREATE TABLE IF NOT EXISTS tollgate.budget_notices /*ON CLUSTER*/
(
  budget LowCardinality(String),
  budget_key String,
  period_start DateTime('UTC'),
  threshold UInt8,
  limit_text String, -- a budget that was raised is told of again
  told_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {ReplacingMergeTree}
ORDER BY (budget, budget_key, period_start, threshold, limit_text)
TTL told_at + INTERVAL 400 DAY;
