// The alphabet of names, in a file of its own because the directory and its issuers both need it.

/** What a team, caller or role may be called: no character that means something in a policy or an owner stamp. */
export const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/
