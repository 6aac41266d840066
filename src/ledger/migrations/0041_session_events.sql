-- Every event of every session, without its content: what a trace, an audit question and a timeline are made of.
CREATE TABLE IF NOT EXISTS tollgate.session_events /*ON CLUSTER*/
(
  session_id String,
  event_id String,
  thread_id String,
  about_thread_id String,
  type LowCardinality(String),
  occurred_at DateTime64(6, 'UTC'),
  is_processed UInt8,
  seen_at DateTime64(3, 'UTC'),
  detail String,
  sent_by String,
  ver UInt64
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY (session_id, event_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
