-- How far the watcher has read each session, so that a restart reads nothing twice that it need not.
-- A row says: everything that lay behind `state_key` (a digest of the session's status and usage as the upstream showed
-- them) is in this ledger, and so is the primary thread's history until `listed_until`. It travels through the journal
-- behind the facts it speaks of, so it is never true too early. Key: the session; the latest row wins.
CREATE TABLE IF NOT EXISTS tollgate.watched_sessions /*ON CLUSTER*/
(
  session_id String,
  upstream LowCardinality(String),
  state_key String,
  listed_until String, -- as the upstream writes times; '' when its history is empty
  watched_at DateTime64(3, 'UTC'),
  ver UInt64
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
