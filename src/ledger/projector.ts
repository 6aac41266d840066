// What the writer needs of the meter. The ledger knows tables and order; the meter knows what records mean.
import type { JournalRecord } from '../kernel/journal.ts'
import type { SessionTally } from './queries/session-tallies.ts'
import type {
  QuarantinedRow,
  SessionRow,
  SessionStatusRow,
  StatedRows,
  ThreadRow,
  UsageEventFact,
  UsageEventRow,
} from './rows.ts'
import type { SessionAdjustmentsRow, SessionIntervalsRow, StatedTimeRow } from './session-rows.ts'

type ModelFields = 'model' | 'speed' | 'inference_geo'

export type Projector = {
  /** What a record states by itself. Never throws: what cannot be read becomes a quarantined row. */
  readonly project: (record: JournalRecord) => Partial<StatedRows>
  /** Sets a record aside that the ledger refuses. */
  readonly quarantine: (record: JournalRecord, reason: string) => QuarantinedRow
  /** A fact with the model and the charge that follow from what is known; fields are undefined while unseen. */
  readonly attribute: (
    fact: UsageEventFact,
    known: {
      readonly session: Pick<SessionRow, ModelFields> | undefined
      readonly thread: Pick<ThreadRow, ModelFields> | undefined
    },
  ) => UsageEventRow
  /** A session's intervals from all its edges and what the upstream stated of its running time. */
  readonly deriveIntervals: (
    sessionId: string,
    edges: readonly SessionStatusRow[],
    stated: StatedTimeRow | undefined,
  ) => SessionIntervalsRow
  /** What a session's facts lack of what the upstream counts, or have too much. */
  readonly deriveAdjustments: (
    tally: SessionTally,
    session: Pick<SessionRow, ModelFields> | undefined,
  ) => SessionAdjustmentsRow
}
