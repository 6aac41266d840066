-- Which vaults were handed to the session, by whom, and when was a credential in them last changed?
-- Takes: session!
-- A change made elsewhere, as in the console, is not known here.
WITH
  handed AS
  (
    SELECT started_at, caller, key_id, operation, extract(line, '^vault\\.use vault/(.+)$') AS vault_id
    FROM (SELECT *, arrayJoin(splitByChar('\n', capabilities)) AS line FROM tollgate.exchanges FINAL WHERE session_id = {session: String} AND status < 300)
    WHERE startsWith(line, 'vault.use ')
  ),
  changed AS
  (
    SELECT extract(path, '/vaults/([A-Za-z0-9_-]+)/') AS vault_id, toString(max(started_at)) AS changed_at, argMax(caller, started_at) AS changed_by
    FROM tollgate.exchanges FINAL
    WHERE operation LIKE 'vaults.credentials.%' AND method != 'GET' AND status < 300
    GROUP BY vault_id
  )
SELECT handed.vault_id AS vault_id, toString(handed.started_at) AS handed_at, handed.caller AS handed_by, handed.key_id AS key_id,
  handed.operation AS operation, changed.changed_at AS credential_changed_at, changed.changed_by AS credential_changed_by
FROM handed
LEFT JOIN changed ON changed.vault_id = handed.vault_id
ORDER BY handed.started_at, vault_id
LIMIT {rows_max: UInt32}
