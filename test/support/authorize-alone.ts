// The verdict of policy alone: whose the objects are is never asked, so the answer is there at once.
import {
  type AuthorizeAdminDeps,
  type AuthorizeRequest,
  createAuthorize,
} from '../../src/authorize/authorize.ts'
import type { Permit } from '../../src/authorize/permit.ts'
import type { Denial } from '../../src/kernel/errors.ts'

/** `createAuthorize` in a world where everything belongs to whoever asks. */
export function authorizeAlone(deps: AuthorizeAdminDeps): (request: AuthorizeRequest) => Permit | Denial {
  const authorize = createAuthorize({
    ...deps,
    findCarried: () => [],
    findConfirmed: () => null,
    checkOwnership: ({ path, body }) => ({ kind: 'cleared', path, body, masks: [] }),
  })
  return (request) => {
    const decision = authorize(request)
    if (decision instanceof Promise) throw new Error('a verdict that asks nobody has to wait')
    return decision
  }
}
