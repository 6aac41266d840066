-- Who owns a session and what it runs: the dimension every report joins. All but the owner is fixed when the session
-- is made (an update may change tools and MCP servers only), so rows differ in how much they know: `ver` puts the one
-- that saw the creation, and so knows the owner, above all that saw the object later.
-- Key: the session alone, so that an owner learnt late corrects every earlier fact of the session at once.
CREATE TABLE IF NOT EXISTS tollgate.sessions /*ON CLUSTER*/
(
  session_id String,
  team LowCardinality(String), -- '' until the creation was seen; shown as (unattributed), never guessed
  caller LowCardinality(String),
  agent_id String,
  agent_name String,
  agent_version UInt32,
  model LowCardinality(String),
  speed LowCardinality(String),
  inference_geo LowCardinality(String),
  environment_id String,
  deployment_id String,
  created_at DateTime64(6, 'UTC'),
  ver UInt64
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- The model of each thread: a model request names neither its model nor its price. Fixed when the thread is made, so
-- every copy is the same and the key needs no version.
CREATE TABLE IF NOT EXISTS tollgate.threads /*ON CLUSTER*/
(
  session_id String,
  thread_id String,
  parent_thread_id String,
  is_primary UInt8,
  model LowCardinality(String), -- '' runs on the session's model
  speed LowCardinality(String),
  inference_geo LowCardinality(String)
)
ENGINE = {ReplacingMergeTree}
ORDER BY (session_id, thread_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Edges of status, of sessions and of threads; and what bounds them. Key: session first, for intervals are derived
-- from all edges of one session; then the event id (or `created`, `archived`, `deleted`, `observed:…`, `role:…`).
-- Not partitioned: a session may live for months and is always read whole.
CREATE TABLE IF NOT EXISTS tollgate.session_status /*ON CLUSTER*/
(
  session_id String,
  event_id String,
  scope LowCardinality(String),
  thread_id String,
  status LowCardinality(String),
  occurred_at DateTime64(6, 'UTC'),
  ver UInt64
)
ENGINE = {ReplacingMergeTree(ver)}
ORDER BY (session_id, event_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Running, idle and rescheduling intervals, derived from session_status, and from usage_snapshots where edges were
-- missed. One row holds all intervals of a session, so a new derivation replaces the old one whole and no stale
-- interval can survive it. `generation` is the number of edges and snapshots it was derived from: they are only ever
-- added, so the derivation that knew more wins, whoever wrote it and whenever, and the same ones give the same row.
CREATE TABLE IF NOT EXISTS tollgate.session_intervals /*ON CLUSTER*/
(
  session_id String,
  statuses Array(LowCardinality(String)),
  started_at Array(DateTime64(3, 'UTC')),
  ended_at Array(Nullable(DateTime64(3, 'UTC'))), -- NULL: still open
  provisional Array(UInt8),                       -- 1: the end is not known yet, only bounded
  generation UInt64
)
ENGINE = {ReplacingMergeTree(generation)}
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
