-- Running time as the upstream has stated it of some sessions: how much their intervals must hold. Events state it at a
-- time of the upstream's, so each is a checkpoint; of objects, which state it at a time by our clock, only the largest
-- total matters. A total of zero says nothing: the upstream leaves the field out until it counts.
SELECT
  session_id,
  max(active_ms) AS stated_ms,
  argMax(observed_at, (active_ms, observed_at)) AS stated_at,
  groupArrayIf((toString(observed_at), active_ms), source = 'event' AND active_ms > 0) AS checkpoints,
  count() AS snapshots
FROM tollgate.usage_snapshots FINAL
WHERE session_id IN {session_ids: Array(String)}
GROUP BY session_id
