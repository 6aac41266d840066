-- Which policy was in force at a moment, since when, and what did its last change say?
-- Takes: at
-- Who changed and reviewed it is in the history of the `policies/` repository; the first policy a gateway began with has no line.
SELECT change_id, toString(changed_at) AS in_force_since, new_hash AS policy_hash, old_hash AS policy_before, files, diff
FROM tollgate.policy_changes FINAL
WHERE changed_at <= fromUnixTimestamp64Milli({at_ms: Int64}, 'UTC')
ORDER BY changed_at DESC, change_id DESC
LIMIT least({rows_max: UInt32}, 20)
