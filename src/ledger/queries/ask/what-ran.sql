-- Which agent version, configuration, model and environment did the session run, and was it pinned?
-- Takes: session!
-- Pin columns are empty for a session that was not made through this gateway.
SELECT
  s.session_id AS session_id, s.team AS team, s.agent_id AS agent_id, s.agent_name AS agent_name,
  s.agent_version AS agent_version, s.model AS model, s.speed AS speed, s.inference_geo AS inference_geo,
  s.environment_id AS environment_id, s.deployment_id AS deployment_id, toString(s.created_at) AS created_at,
  e.agent_version_requested AS version_requested, e.pin_kind AS pin, e.pin_class AS pin_class, e.pin_rule AS pin_rule,
  e.approved_by AS approved_by, e.config_hash AS config_hash, e.exposure AS left_open
FROM (SELECT * FROM tollgate.sessions FINAL WHERE session_id = {session: String}) AS s
LEFT JOIN
(
  SELECT * FROM tollgate.exchanges FINAL WHERE operation = 'sessions.create' AND session_id = {session: String} AND status < 300
) AS e ON e.session_id = s.session_id
LIMIT {rows_max: UInt32}
