-- What the sessions of each version of an agent did: those that began in a time range, whatever they did since.
-- A session failed when a model request of it did, or when it was terminated and neither archived nor deleted.
-- Requests count to the version they name, as a refused create does, else to the version of their session.
WITH
  {agent_id: String} AS asked,
  runs AS
  (
    SELECT session_id, agent_version
    FROM tollgate.sessions FINAL
    WHERE agent_id = asked
      AND created_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
      AND created_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
  ),
  requests AS
  (
    SELECT session_id, max(is_error) AS failed, sum(toFloat64(ifNull(cost_usd, toDecimal128(0, 12)))) AS cost_usd
    FROM tollgate.usage_events FINAL
    WHERE session_id IN (SELECT session_id FROM runs) AND kind = 'model_request'
    GROUP BY session_id
  ),
  endings AS
  (
    SELECT
      session_id,
      countIf(status = 'terminated' AND event_id NOT IN ('archived', 'deleted')) > 0
        AND countIf(event_id IN ('archived', 'deleted')) = 0 AS broke
    FROM tollgate.session_status FINAL
    WHERE session_id IN (SELECT session_id FROM runs) AND scope = 'session'
    GROUP BY session_id
  ),
  clocks AS
  (
    SELECT
      session_id,
      arraySum(
        (state, start, end) -> if(
          state = 'running',
          toUnixTimestamp64Milli(ifNull(end, fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC'))) - toUnixTimestamp64Milli(start),
          0
        ),
        statuses, started_at, ended_at
      ) AS running_ms
    FROM tollgate.session_intervals FINAL
    WHERE session_id IN (SELECT session_id FROM runs)
  ),
  asks AS
  (
    SELECT version, count() AS exchanges, countIf(decision = 'denied') AS denials
    FROM
    (
      SELECT e.decision AS decision, if(e.agent_version > 0, e.agent_version, runs.agent_version) AS version
      FROM tollgate.exchanges AS e FINAL
      LEFT JOIN runs ON e.session_id = runs.session_id
      WHERE e.started_at >= fromUnixTimestamp64Milli({from_ms: Int64}, 'UTC')
        AND e.started_at < fromUnixTimestamp64Milli({to_ms: Int64}, 'UTC')
        AND (e.agent_id = asked OR e.session_id IN (SELECT session_id FROM runs))
    )
    WHERE version > 0
    GROUP BY version
  ),
  did AS
  (
    SELECT
      runs.agent_version AS version,
      count() AS sessions,
      countIf(requests.failed = 1 OR endings.broke = 1) AS failed_sessions,
      sum(requests.cost_usd) AS cost_usd,
      quantileExact(0.5)(toInt64(clocks.running_ms)) AS median_running_ms
    FROM runs
    LEFT JOIN requests ON runs.session_id = requests.session_id
    LEFT JOIN endings ON runs.session_id = endings.session_id
    LEFT JOIN clocks ON runs.session_id = clocks.session_id
    GROUP BY version
  )
SELECT
  if(did.version > 0, did.version, asks.version) AS version,
  toUInt32(did.sessions) AS sessions,
  toUInt32(did.failed_sessions) AS failed_sessions,
  toFloat64(did.cost_usd) AS cost_usd,
  toFloat64(did.median_running_ms) AS median_running_ms,
  toUInt32(asks.exchanges) AS exchanges,
  toUInt32(asks.denials) AS denials
FROM did FULL OUTER JOIN asks ON did.version = asks.version
ORDER BY version
