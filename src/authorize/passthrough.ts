// A caller that brings a bearer of the upstream's own asks for one thing more: that this bearer goes up instead of ours.
import type { Caller } from '../identify/caller.ts'
import type { Denial } from '../kernel/errors.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { workerOperations } from '../upstream/worker-operations.ts'
import type { Capability } from './permit.ts'

/** The word for it, on `operation/<operation id>`. */
export const passthroughAction = 'credential.passthrough'

/**
 * What the caller asks for by its second credential: nothing when it sent none, one capability on an operation that
 * takes such a bearer, a denial that says what to leave out on every other.
 */
export function askPassthrough(caller: Caller, { id }: Operation): readonly Capability[] | Denial {
  if (!caller.bringsUpstreamBearer) return []
  if (workerOperations.has(id)) return [{ action: passthroughAction, object: `operation/${id}` }]
  return {
    kind: 'denial',
    code: 'authorize.denied',
    message:
      `\`${id}\` takes no environment key or session token: leave out the \`authorization\` header and ` +
      'send `x-tollgate-key` alone',
    rule: '',
  }
}
