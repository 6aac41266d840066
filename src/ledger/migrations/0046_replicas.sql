-- The gateways that are alive, as each says of itself every few seconds.
CREATE TABLE IF NOT EXISTS tollgate.replicas /*ON CLUSTER*/
(
  replica_id String,
  started_at DateTime64(3, 'UTC'),
  seen_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
  is_gone UInt8 -- 1: it said that it goes
)
ENGINE = {ReplacingMergeTree(seen_at)}
ORDER BY replica_id
TTL toDateTime(seen_at) + INTERVAL 1 DAY;
