-- All edges of some sessions, each once: what their intervals are derived from.
SELECT session_id, event_id, scope, thread_id, status, occurred_at, reason, ver
FROM tollgate.session_status FINAL
WHERE session_id IN {session_ids: Array(String)}
