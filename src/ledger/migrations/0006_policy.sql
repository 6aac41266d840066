-- What policy was asked of each request, so that the same questions can be put to another policy; and what the candidate
-- policy would have said otherwise, '' when it agreed or there was none.
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS capabilities String;
ALTER TABLE tollgate.exchanges /*ON CLUSTER*/ ADD COLUMN IF NOT EXISTS shadow String;

-- Every time that other policies came into force: which files, and what in them. Never a hash of a key.
-- Key: an id that begins with its time; each gateway that took the change tells it.
CREATE TABLE IF NOT EXISTS tollgate.policy_changes /*ON CLUSTER*/
(
  change_id String,
  changed_at DateTime64(3, 'UTC'),
  old_hash LowCardinality(String),
  new_hash LowCardinality(String),
  files String,
  diff String
)
ENGINE = {ReplacingMergeTree}
ORDER BY change_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
