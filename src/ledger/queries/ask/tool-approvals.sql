-- Who answered the confirmation of each tool use, how long did it wait, what was its input, and was it the one who started the session?
-- Takes: session team from to
-- An answer that did not come through this gateway has no name.
WITH
  /* parts/tool-uses.sql: uses, answers */
SELECT
  uses.session_id AS session_id, uses.event_id AS tool_use_id, uses.tool AS tool, uses.server AS server, answers.answer AS answer,
  e.caller AS answered_by, e.key_id AS key_id, owner.caller AS started_by,
  if(e.caller = '', 'not known', if(e.caller = owner.caller, 'no', 'yes')) AS is_another_person,
  dateDiff('millisecond', uses.occurred_at, answers.answered_at) AS waited_ms, uses.input_hash AS input_hash, toString(answers.answered_at) AS at
FROM uses
INNER JOIN answers ON answers.session_id = uses.session_id AND answers.use_id = uses.event_id
LEFT JOIN (SELECT exchange_id, caller, key_id FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.send') AS e ON e.exchange_id = answers.exchange_id
LEFT JOIN (SELECT session_id, caller, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = uses.session_id
WHERE empty({team: String}) OR owner.team = {team: String}
ORDER BY answers.answered_at, tool_use_id
LIMIT {rows_max: UInt32}
