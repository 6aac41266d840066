-- Which tool uses were denied, by whom or by which rule, and was the same tool tried again in the session?
-- Takes: session team from to
--
WITH
  /* parts/tool-uses.sql: uses, answers */,
  later AS (SELECT session_id, groupArray((occurred_at, tool, input_hash)) AS all_uses FROM uses GROUP BY session_id)
SELECT
  uses.session_id AS session_id, uses.event_id AS tool_use_id, uses.tool AS tool, uses.server AS server,
  if(answers.answer = 'deny', 'a person', 'policy of the agent') AS denied_by, e.caller AS caller, uses.permission_policy AS permission_policy,
  arrayCount(each -> each.1 > uses.occurred_at AND each.2 = uses.tool, later.all_uses) AS tried_again,
  arrayCount(each -> each.1 > uses.occurred_at AND each.2 = uses.tool AND each.3 = uses.input_hash, later.all_uses) AS with_same_input,
  toString(uses.occurred_at) AS at
FROM uses
LEFT JOIN answers ON answers.session_id = uses.session_id AND answers.use_id = uses.event_id
LEFT JOIN later ON later.session_id = uses.session_id
LEFT JOIN (SELECT exchange_id, caller FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.send') AS e ON e.exchange_id = answers.exchange_id
LEFT JOIN (SELECT session_id, team FROM tollgate.sessions FINAL) AS owner ON owner.session_id = uses.session_id
WHERE (answers.answer = 'deny' OR uses.permission = 'deny') AND (empty({team: String}) OR owner.team = {team: String})
ORDER BY uses.occurred_at, tool_use_id
LIMIT {rows_max: UInt32}
