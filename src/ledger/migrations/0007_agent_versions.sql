-- Who saved which version of an agent, so that nobody approves their own. A later update that changes nothing answers
-- the same version, so every sight is kept and the earliest decides.
CREATE TABLE IF NOT EXISTS tollgate.agent_versions /*ON CLUSTER*/
(
  agent_id String,
  version UInt32,
  team LowCardinality(String),
  caller LowCardinality(String),
  exchange_id String,
  seen_at DateTime64(3, 'UTC')
)
ENGINE = {ReplacingMergeTree}
ORDER BY (agent_id, version, exchange_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Canaries that were held by themselves, and why. A hold is never taken back here: a person releases it in pins.yaml,
-- with a time that is later than the hold's. Key: any gateway that sees it writes its own row.
CREATE TABLE IF NOT EXISTS tollgate.rollout_holds /*ON CLUSTER*/
(
  hold_id String,
  agent_id String,
  stable UInt32,
  canary UInt32,
  held_at DateTime64(3, 'UTC'),
  reasons Array(String),
  facts String -- JSON: what both versions did in the window
)
ENGINE = {ReplacingMergeTree}
ORDER BY (agent_id, hold_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
