-- What is known of the models of some sessions: one row for the session itself (thread_id '') and one per thread.
SELECT session_id, '' AS thread_id, model, speed, inference_geo
FROM tollgate.sessions FINAL
WHERE session_id IN {session_ids: Array(String)}
UNION ALL
SELECT session_id, thread_id, model, speed, inference_geo
FROM tollgate.threads FINAL
WHERE session_id IN {session_ids: Array(String)}
