-- Is the log without gaps and doubles, gateway by gateway, and up to where is it signed?
-- Takes:
-- Counting proves nothing to a stranger: `tollgate audit verify` checks hashes, tree and signatures.
WITH
  entries AS
  (
    SELECT gateway, min(seq) AS first_seq, max(seq) AS last_seq, uniqExact(seq) AS numbers, uniqExact(seq, leaf_hash) AS entries
    FROM tollgate.audit_entries
    GROUP BY gateway
  ),
  signed AS
  (
    SELECT gateway, max(size) AS signed_to, toString(fromUnixTimestamp64Milli(toInt64(max(time_ms)), 'UTC')) AS signed_at
    FROM tollgate.audit_checkpoints
    GROUP BY gateway
  )
SELECT entries.gateway AS gateway, entries.first_seq AS first_entry, entries.last_seq AS last_entry,
  entries.last_seq - entries.first_seq + 1 - entries.numbers AS missing, entries.entries - entries.numbers AS doubled,
  signed.signed_to AS signed_entries, signed.signed_at AS signed_at
FROM entries
LEFT JOIN signed ON signed.gateway = entries.gateway
ORDER BY gateway
LIMIT {rows_max: UInt32}
