// A caller as identification makes it, for tests that begin behind it.
import type { Caller } from '../../src/identify/caller.ts'

/** Identified by a key without bounds; say what differs. */
export const callerOf = (fields: Partial<Caller> & Pick<Caller, 'id' | 'team' | 'roles'>): Caller => ({
  keyId: 'key',
  costCentre: 'cc-1',
  via: 'key',
  subject: '',
  scopes: null,
  expiresMs: null,
  bringsUpstreamBearer: false,
  ...fields,
})
