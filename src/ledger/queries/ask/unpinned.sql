-- Which sessions ran an agent that floats, something else left open, or an environment open to every host?
-- Takes: team from to
-- Environments changed elsewhere are compared by `tollgate pins report`.
WITH
  -- The newest word about each environment that passed here.
  environments AS
  (
    SELECT
      coalesce(nullIf(extract(path, '/environments/([A-Za-z0-9_-]+)'), ''), owners.object_id) AS environment_id,
      argMax(has(splitByChar('\n', capabilities), 'egress.open host/*'), started_at) AS is_open
    FROM (SELECT * FROM tollgate.exchanges FINAL WHERE operation IN ('environments.create', 'environments.update') AND status < 300) AS told
    LEFT JOIN (SELECT exchange_id, object_id FROM tollgate.object_owners FINAL WHERE object_kind = 'environment') AS owners
      ON owners.exchange_id = told.exchange_id
    GROUP BY environment_id
  )
SELECT
  made.session_id AS session_id, toString(made.started_at) AS at, made.team AS team, made.caller AS caller,
  made.agent_id AS agent_id, made.agent_version_requested AS version_requested, s.agent_version AS agent_version,
  made.exposure AS left_open, s.environment_id AS environment_id, environments.is_open AS is_network_open
FROM
(
  SELECT * FROM tollgate.exchanges FINAL
  WHERE operation = 'sessions.create' AND status < 300 AND started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
  AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String})
) AS made
LEFT JOIN (SELECT session_id, agent_version, environment_id FROM tollgate.sessions FINAL) AS s ON s.session_id = made.session_id
LEFT JOIN environments ON environments.environment_id = s.environment_id
WHERE made.exposure != '' OR environments.is_open
ORDER BY made.started_at, session_id
LIMIT {rows_max: UInt32}
