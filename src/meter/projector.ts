// Everything the ledger's writer asks of the meter, as one object.
import type { Projector } from '../ledger/projector.ts'
import { type AdjustmentPrices, toAdjustmentsRow } from './adjustments.ts'
import { attribute } from './attribute.ts'
import { toIntervalsRow } from './intervals.ts'
import { project, quarantine } from './project.ts'

/** Makes the writer's projector; `price` gives the charge of a model request, NULL when no price is known. */
export function createProjector(deps: AdjustmentPrices): Projector {
  return {
    project,
    quarantine,
    attribute: (fact, known) => attribute(fact, known, deps.price),
    deriveIntervals: toIntervalsRow,
    deriveAdjustments: (tally, session) => toAdjustmentsRow(tally, session, deps),
  }
}
