-- What was deleted or archived upstream, by whom and when?
-- Takes: team from to
-- What was deleted elsewhere is known of sessions alone, by their own event. Entries of the audit log are not deleted by Tollgate.
SELECT *
FROM
(
  SELECT toString(started_at) AS at, caller, team, operation, path, session_id, status, exchange_id
  FROM tollgate.exchanges FINAL
  WHERE (method = 'DELETE' OR operation LIKE '%.archive' OR operation LIKE '%.redact') AND status < 300 AND started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String})
  UNION ALL
  SELECT toString(occurred_at), '', '', type, '', session_id, 0, ''
  FROM tollgate.session_events FINAL
  WHERE type = 'session.deleted' AND empty({team: String})
    AND occurred_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
)
ORDER BY at, session_id, operation
LIMIT {rows_max: UInt32}
