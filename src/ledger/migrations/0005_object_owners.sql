-- Who created what, for objects that cannot say it themselves (files, skills, dreams, …) or whose metadata was full.
-- Key: kind and id alone. An object is created once, so every row of a key says the same; the first sight is kept.
CREATE TABLE IF NOT EXISTS tollgate.object_owners /*ON CLUSTER*/
(
  object_kind LowCardinality(String),
  object_id String,
  team LowCardinality(String),
  caller LowCardinality(String),
  exchange_id String,
  seen_at DateTime64(3, 'UTC')
)
ENGINE = {ReplacingMergeTree}
ORDER BY (object_kind, object_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
