-- Who started the session, with which key, from where, under which team, and by which rules?
-- Takes: session!
-- A session made elsewhere or by a deployment has no line; `what-ran` has what is known of it.
SELECT session_id, toString(started_at) AS at, caller, team, key_id, client_ip, user_agent, decision, rules, policy_hash,
  upstream_request_id, trace_id, exchange_id
FROM tollgate.exchanges FINAL
WHERE operation = 'sessions.create' AND session_id = {session: String}
ORDER BY started_at
LIMIT {rows_max: UInt32}
