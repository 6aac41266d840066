-- Which keys are old, unused, or used from a network that is new to them?
-- Takes: team days
-- Networks are IPv4 /24 and IPv6 /48; how long records are kept bounds what can be said.
WITH
  listed AS
  (
    SELECT each.1 AS caller, each.2 AS team, each.3 AS roles, each.4 AS key_id, each.5 AS created_ms, each.6 AS expires_ms, each.7 AS revoked_ms
    FROM (SELECT arrayJoin(JSONExtract({directory: String}, 'Array(Tuple(String, String, String, String, Int64, Int64, Int64))')) AS each)
  ),
  networks AS
  (
    SELECT key_id, replaceRegexpOne(client_ip, '(\\.[0-9]+|(:[0-9a-f]*){5})$', '') AS network, min(started_at) AS first_seen, max(started_at) AS last_seen
    FROM tollgate.exchanges FINAL
    WHERE key_id != ''
    GROUP BY key_id, network
  ),
  used AS
  (
    SELECT key_id, max(last_seen) AS last_used, min(first_seen) AS first_used,
      groupArray((network, first_seen)) AS seen
    FROM networks
    GROUP BY key_id
  )
SELECT
  listed.key_id AS key_id, listed.caller AS caller, listed.team AS team,
  dateDiff('day', fromUnixTimestamp64Milli(listed.created_ms, 'UTC'), now64(3, 'UTC')) AS age_days,
  if(used.key_id = '', '', toString(used.last_used)) AS last_used,
  age_days >= {days: UInt32} AS is_old,
  listed.revoked_ms = 0 AND (used.key_id = '' OR used.last_used < now64(3, 'UTC') - INTERVAL 30 DAY) AS is_unused,
  arrayStringConcat(
    arrayMap(
      each -> each.1,
      arrayFilter(each -> each.2 > used.first_used + INTERVAL 1 DAY AND each.2 > now64(3, 'UTC') - INTERVAL 30 DAY, used.seen)
    ),
    ' '
  ) AS new_networks,
  listed.revoked_ms > 0 AS is_revoked
FROM listed
LEFT JOIN used ON used.key_id = listed.key_id
WHERE listed.key_id != '' AND (empty({team: String}) OR listed.team = {team: String})
ORDER BY age_days DESC, key_id
LIMIT {rows_max: UInt32}
