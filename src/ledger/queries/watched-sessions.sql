-- The sessions read to the end lately, newest first: what a watcher that starts need not read again.
SELECT session_id, upstream, state_key, listed_until
FROM tollgate.watched_sessions FINAL
WHERE watched_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
ORDER BY watched_at DESC
LIMIT {rows_max: UInt64}
