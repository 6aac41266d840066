// Everything the ledger's writer asks of the meter, as one object.
import type { Projector } from '../ledger/projector.ts'
import type { RequestFact } from '../ledger/rows.ts'
import { attribute, type ChargeColumns } from './attribute.ts'
import { toIntervalsRow } from './intervals.ts'
import { project, quarantine } from './project.ts'

/** Makes the writer's projector; `price` gives the charge of a model request, NULL when no price is known. */
export function createProjector(deps: { readonly price: (fact: RequestFact) => ChargeColumns }): Projector {
  return {
    project,
    quarantine,
    attribute: (fact, known) => attribute(fact, known, deps.price),
    deriveIntervals: toIntervalsRow,
  }
}
