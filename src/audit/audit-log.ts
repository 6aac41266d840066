// The audit log of this gateway: journal records in, entries and signed checkpoints out. What a batch becomes follows from
// the place it begins at alone, so a batch that comes again after a crash, whole or longer, becomes the same entries.
import type { Clock } from '../kernel/clock.ts'
import type { JournalBatch, JournalPosition, JournalRecord } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Anchor } from './anchors.ts'
import type { AuditState, Head, SignedCheckpoint } from './audit-state.ts'
import {
  type CreateEntry,
  createEntryMaker,
  describeRecord,
  type EntryRow,
  isAudited,
  noEntry,
} from './entry.ts'
import { appendLeaf, rootOf } from './merkle.ts'

/** What the log needs of the ledger. Each may be repeated and rejects with what the ledger throws. */
export type AuditLedger = {
  readonly insertEntries: (rows: readonly EntryRow[]) => Promise<void>
  readonly insertCheckpoints: (gateway: string, checkpoints: readonly SignedCheckpoint[]) => Promise<void>
  /** Which records of these ids this gateway has an entry of below `seq`, each as `keyOf` names it. */
  readonly findRecords: (gateway: string, ids: readonly string[], seq: number) => Promise<ReadonlySet<string>>
  /** The highest checkpoint of this gateway, -1 when there is none. */
  readonly lastCheckpoint: (gateway: string) => Promise<number>
}

export type AuditLogDeps = {
  readonly ledger: AuditLedger
  /** Signs the tree at a head; the caller keeps the result. */
  readonly sign: (state: AuditState, head: Head, timeMs: number) => { signed: SignedCheckpoint; key: string }
  readonly load: () => Promise<AuditState | undefined>
  readonly store: (state: AuditState) => Promise<void>
  /** A log without entries, under a name of its own. */
  readonly begin: () => AuditState
  readonly anchors: readonly Anchor[]
  readonly clock: Clock
  readonly logger: Logger
  /** Entries between two checkpoints at most; 1,024 when not given. */
  readonly checkpointEntries?: number
  /** Time between two checkpoints, entries or not. */
  readonly checkpointMs: number
}

export type AuditLog = {
  /** Resolves when the batch's entries are in the ledger and their place is kept. Rejects when not; then repeat it. */
  readonly take: (batch: JournalBatch) => Promise<void>
  /** Signs a checkpoint when it is time. Never rejects. */
  readonly tick: () => Promise<void>
  /** Signs what is not under a checkpoint yet. Never rejects. */
  readonly close: () => Promise<void>
}

/** Signed checkpoints wait for the ledger up to this many; then idle ones are no longer made. */
const pendingMax = 1_024

/** Makes the log; the state is read, and its keeping in the ledger compared, when it is first needed. */
export function createAuditLog(deps: AuditLogDeps): AuditLog {
  const { ledger, clock, logger } = deps
  const createEntry = createEntryMaker()
  let state: AuditState | null = null
  let compared = false
  let signedAtMs = Number.NEGATIVE_INFINITY
  let turn: Promise<unknown> = Promise.resolve()

  /** One thing at a time: the state has one writer. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }
  const keep = async (next: AuditState): Promise<void> => {
    await deps.store(next)
    state = next
  }
  const open = async (): Promise<AuditState> => {
    state ??= (await deps.load()) ?? deps.begin()
    return state
  }
  /** A state older than what was signed, as from a backup, must not sign a second story: the log begins anew. */
  const compare = async (): Promise<AuditState> => {
    const opened = await open()
    if (compared) return opened
    const last = await ledger.lastCheckpoint(opened.gateway)
    compared = true
    if (last <= (opened.checkpoint?.number ?? -1)) return opened
    const begun = deps.begin()
    const told = { old: opened.gateway, new: begun.gateway, last }
    logger.error(told, 'the audit state is older than what was signed; a new audit log begins')
    state = begun
    return begun
  }
  /** First into the ledger, then outside: what is anchored was in the ledger, so what is anchored alone was taken out. */
  const publish = async (): Promise<void> => {
    if (state === null || state.pending.length === 0) return
    await ledger.insertCheckpoints(state.gateway, state.pending)
    for (const anchor of deps.anchors) {
      for (const { number, note } of state.pending) {
        await anchor.put(state.gateway, number, note).catch((error: unknown) => {
          logger.error(
            { err: error, anchor: anchor.name },
            'a checkpoint was not anchored; the next one binds it',
          )
        })
      }
    }
    await keep({ ...state, pending: [] })
  }
  const signHead = async (opened: AuditState): Promise<void> => {
    const { signed, key } = deps.sign(opened, opened.current, timeAfter(opened, clock.nowMs()))
    signedAtMs = clock.monotonicMs()
    await keep({ ...opened, checkpoint: signed, key, pending: [...opened.pending, signed] })
    await publish()
  }
  const attempt = (work: () => Promise<void>): Promise<void> =>
    inTurn(work).catch((error: unknown) => {
      logger.warn({ err: error }, 'an audit checkpoint waits; trying again')
    })

  return {
    take: (batch) =>
      inTurn(async () => {
        const opened = await compare()
        const { head, isKnown } = findHead(opened, batch.from)
        const audited = batch.records.filter(isAudited)
        const records = isKnown ? audited : await leaveOut(ledger, opened.gateway, audited, head.size)
        const taken = chainOn(deps, createEntry, opened, head, batch.next, records)
        await ledger.insertEntries(taken.rows)
        await keep({ ...taken.state, previous: head })
        if (taken.hasSigned) signedAtMs = clock.monotonicMs()
        await publish()
      }),
    tick: () =>
      attempt(async () => {
        const opened = await open()
        const isDue = clock.monotonicMs() - signedAtMs >= deps.checkpointMs
        // Behind a signed head only while a batch of before is still to come again.
        const isBehind = opened.current.size < (opened.checkpoint?.size ?? 0)
        if (isDue && !isBehind && opened.pending.length < pendingMax) await signHead(await compare())
        else await publish()
      }),
    close: () =>
      attempt(async () => {
        const opened = await open()
        if (opened.current.size > (opened.checkpoint?.size ?? 0)) await signHead(await compare())
      }),
  }
}

/** The tree as it was at the place a batch begins. Not known: the cursor was lost, and what was written comes again. */
function findHead(
  { current, previous }: AuditState,
  from: JournalPosition,
): { readonly head: Head; readonly isKnown: boolean } {
  const isAt = ({ position }: Head): boolean =>
    position !== null && position.segment === from.segment && position.offset === from.offset
  if (isAt(current)) return { head: current, isKnown: true }
  // Before the first batch the journal may begin anywhere.
  if (isAt(previous) || previous.position === null) return { head: previous, isKnown: true }
  return { head: current, isKnown: false }
}

/** What names a record in one gateway's log: records of several kinds may be about one exchange. */
export const keyOf = ({ kind, record_id }: Pick<EntryRow, 'kind' | 'record_id'>): string =>
  `${kind} ${record_id}`

async function leaveOut(
  ledger: AuditLedger,
  gateway: string,
  records: readonly JournalRecord[],
  seq: number,
): Promise<readonly JournalRecord[]> {
  const described = records.map(describeRecord)
  const ids = described.map(({ record_id }) => record_id)
  const written = await ledger.findRecords(gateway, ids, seq)
  return records.filter((_, index) => {
    const one = described[index]
    return one === undefined || !written.has(keyOf(one))
  })
}

type Taken = {
  readonly rows: readonly EntryRow[]
  readonly hasSigned: boolean
  readonly state: AuditState
}

/** Puts records behind a head, with a checkpoint after every so many entries. */
function chainOn(
  deps: AuditLogDeps,
  createEntry: CreateEntry,
  opened: AuditState,
  from: Head,
  position: JournalPosition,
  records: readonly JournalRecord[],
): Taken {
  const { checkpointEntries = 1_024 } = deps
  const rows: EntryRow[] = []
  let state = opened
  let head: Head = from
  for (const record of records) {
    const place = { gateway: opened.gateway, seq: head.size, prev: head.size === 0 ? noEntry : head.last }
    const { row, leaf } = createEntry(record, place)
    rows.push(row)
    const frontier = appendLeaf(head.frontier, head.size, leaf)
    head = { position, size: head.size + 1, frontier, last: leaf.toString('base64') }
    const last = state.checkpoint
    if (last !== null && head.size === last.size) refuseOther(last, head)
    if (head.size - (last?.size ?? 0) < checkpointEntries) continue
    const { signed, key } = deps.sign(state, head, timeAfter(state, deps.clock.nowMs()))
    state = { ...state, checkpoint: signed, key, pending: [...state.pending, signed] }
  }
  return {
    rows,
    hasSigned: state.checkpoint !== opened.checkpoint,
    state: { ...state, current: { ...head, position } },
  }
}

/** What was signed is not signed again as something else, whatever made the difference. */
function refuseOther(signed: SignedCheckpoint, head: Head): void {
  const root = rootOf(signed.frontier.map((text) => Buffer.from(text, 'base64')))
  if (root.equals(rootOf(head.frontier))) return
  throw new Error(
    `the journal does not lead to the ${signed.size} entries of checkpoint ${signed.number}, which was signed; move \`audit/state.json\` away to begin a new audit log`,
  )
}

/** Times of checkpoints do not go back, whatever the clock does. */
const timeAfter = ({ checkpoint }: AuditState, nowMs: number): number =>
  Math.max(Math.floor(nowMs), checkpoint?.timeMs ?? 0)
