-- Which repositories, files and memories were handed to the session, by whom and when?
-- Takes: session!
-- Which of their files were read or written is in the repository and in tool inputs, which are never kept.
SELECT splitByChar(' ', line)[1] AS capability, substring(line, position(line, ' ') + 1) AS object,
  toString(started_at) AS at, caller, operation, exchange_id
FROM (SELECT *, arrayJoin(splitByChar('\n', capabilities)) AS line FROM tollgate.exchanges FINAL WHERE session_id = {session: String} AND status < 300)
WHERE capability IN ('repo.mount', 'repo.float', 'file.mount', 'memory.attach', 'memory.alter')
ORDER BY started_at, capability, object
LIMIT {rows_max: UInt32}
