-- All that is known of events that somebody sent, merged or not: who sent them, and when they were processed.
SELECT
  session_id,
  event_id,
  max(sent_by) AS sender,
  max(is_processed) AS processed,
  toString(argMax(occurred_at, is_processed)) AS processed_at
FROM tollgate.session_events
WHERE session_id IN {sessions: Array(String)} AND event_id IN {events: Array(String)}
GROUP BY session_id, event_id
