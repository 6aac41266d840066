-- What of sessions was handed to the outbox of traces, so that it is built once: an event's id for its log record,
-- `span:<id>` for a span. After a month nobody builds it again anyway.
CREATE TABLE IF NOT EXISTS tollgate.trace_exported /*ON CLUSTER*/
(
  session_id String,
  uid String,
  exported_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {ReplacingMergeTree(exported_at)}
ORDER BY (session_id, uid)
TTL toDateTime(exported_at) + INTERVAL 31 DAY;

-- The processes that export traces, as each says of itself every few seconds: a session is exported by one of them.
CREATE TABLE IF NOT EXISTS tollgate.trace_exporters /*ON CLUSTER*/
(
  exporter_id String,
  seen_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {ReplacingMergeTree(seen_at)}
ORDER BY exporter_id
TTL toDateTime(seen_at) + INTERVAL 1 DAY;
