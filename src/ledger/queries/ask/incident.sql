-- When did the session first go wrong, when was it first refused or denied anything, and when was it stopped?
-- Takes: session!
-- Alerts are sent by what watches the metrics, and are not known here.
WITH steps AS
(
  SELECT 1 AS rank, 'created' AS step, min(created_at) AS at, '' AS by, '' AS detail
  FROM tollgate.sessions FINAL WHERE session_id = {session: String} HAVING count() > 0
  UNION ALL
  SELECT 2, 'first error', min(occurred_at), '', argMin(concat(type, ' ', detail), occurred_at)
  FROM tollgate.session_events FINAL
  WHERE session_id = {session: String} AND (type = 'session.error' OR JSONExtractBool(detail, 'is_error')) HAVING count() > 0
  UNION ALL
  SELECT 3, 'first denial of a tool', min(occurred_at), '', argMin(detail, occurred_at)
  FROM tollgate.session_events FINAL
  WHERE session_id = {session: String} AND (JSONExtractString(detail, 'confirmation') = 'deny' OR JSONExtractString(detail, 'permission') = 'deny') HAVING count() > 0
  UNION ALL
  SELECT 4, 'first refusal by the gateway', toDateTime64(min(started_at), 6, 'UTC'), argMin(caller, started_at), argMin(concat(operation, ' ', error_code), started_at)
  FROM tollgate.exchanges FINAL WHERE session_id = {session: String} AND decision != 'allowed' HAVING count() > 0
  UNION ALL
  SELECT 5, 'first interrupt', min(occurred_at), argMin(sent_by, occurred_at), ''
  FROM tollgate.session_events FINAL WHERE session_id = {session: String} AND type = 'user.interrupt' HAVING count() > 0
  UNION ALL
  SELECT 6, 'archived or deleted', toDateTime64(min(started_at), 6, 'UTC'), argMin(caller, started_at), argMin(operation, started_at)
  FROM tollgate.exchanges FINAL WHERE session_id = {session: String} AND operation IN ('sessions.archive', 'sessions.delete') AND status < 300 HAVING count() > 0
  UNION ALL
  SELECT 7, 'terminated', min(occurred_at), '', ''
  FROM tollgate.session_status FINAL WHERE session_id = {session: String} AND scope = 'session' AND status = 'terminated' HAVING count() > 0
)
SELECT step, toString(at) AS happened_at, dateDiff('millisecond', min(at) OVER (), at) AS ms_after_first, by, detail
FROM steps
ORDER BY at, rank
LIMIT {rows_max: UInt32}
