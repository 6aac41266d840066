// A judge whose every verdict is also put to the candidate policy; the verdict stays what it is.
import type { Denial } from '../kernel/errors.ts'
import type { Authorize, AuthorizeRequest } from './authorize.ts'
import type { Permit } from './permit.ts'
import type { Shadow } from './shadow.ts'

/** The same judge; where the candidate disagrees, the permit or denial says so in `shadow`. */
export function withSecondOpinion(authorize: Authorize, shadow: Shadow): Authorize {
  const note = ({ caller }: AuthorizeRequest, decision: Permit | Denial): Permit | Denial => {
    if (!('kind' in decision)) {
      const disagreement = shadow(caller, decision.capabilities, true)
      return disagreement === '' ? decision : { ...decision, shadow: disagreement }
    }
    if (decision.judged === undefined) return decision
    const disagreement = shadow(caller, decision.judged.capabilities, false)
    if (disagreement === '') return decision
    return { ...decision, judged: { ...decision.judged, shadow: disagreement } }
  }
  return (request) => {
    const decision = authorize(request)
    return decision instanceof Promise
      ? decision.then((decided) => note(request, decided))
      : note(request, decision)
  }
}
