-- Did anyone write, approve and run the same agent version, or two of the three?
-- Takes: team from to
-- Who saved a version elsewhere is not known.
WITH
  written AS
  (
    SELECT agent_id, version, argMin(caller, seen_at) AS author
    FROM tollgate.agent_versions FINAL
    GROUP BY agent_id, version
  ),
  ran AS
  (
    SELECT e.agent_id AS agent_id, s.agent_version AS version, e.caller AS runner, e.approved_by AS approver, e.team AS team, count() AS sessions, min(e.started_at) AS first_run
    FROM (SELECT * FROM tollgate.exchanges FINAL WHERE operation = 'sessions.create' AND status < 300 AND started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
  AND started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC') AND (empty({team: String}) OR team = {team: String})) AS e
    INNER JOIN (SELECT session_id, agent_version FROM tollgate.sessions FINAL) AS s ON s.session_id = e.session_id
    GROUP BY agent_id, version, runner, approver, team
  )
SELECT ran.agent_id AS agent_id, ran.version AS agent_version, written.author AS author, ran.approver AS approver, ran.runner AS runner, ran.team AS team, ran.sessions AS sessions,
  multiIf(
    author != '' AND author = approver AND author = runner, 'wrote, approved and ran',
    author != '' AND author = approver, 'wrote and approved',
    author != '' AND author = runner, 'wrote and ran',
    'approved and ran'
  ) AS same_person
FROM ran
LEFT JOIN written ON written.agent_id = ran.agent_id AND written.version = ran.version
WHERE (author != '' AND author IN (approver, runner)) OR (approver != '' AND approver = runner)
ORDER BY ran.first_run, agent_id, runner
LIMIT {rows_max: UInt32}
