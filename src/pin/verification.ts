// After the fact: the session that the upstream answers is read again beside the client's answer, compared with what was
// pinned, recorded, and stopped where a class says so. Nothing here delays or changes what the client gets.
import { withoutKeys } from '../kernel/redact.ts'
import { type ComparingDeps, compareSession, type Looked, retry, unread } from './compare-session.ts'
import { shorten, textMember } from './json-values.ts'
import type { PinJudged, PinOutcome } from './pin-outcome.ts'
import type { Mode } from './pins.ts'

/** What is kept of one comparison. Paths and words only; nothing of what the agent says. */
export type VerificationRecord = {
  readonly kind: 'verification'
  readonly exchange_id: string
  readonly checked_at_ms: number
  readonly team: string
  readonly caller: string
  /** '' when the answer could not be read. */
  readonly session_id: string
  readonly agent_id: string
  readonly agent_version: number
  readonly pin_class: string
  readonly mode: string
  /** `unknown`: all that is known is the same, but there is more; `unverified`: it could not be looked at. */
  readonly outcome: 'same' | 'different' | 'unknown' | 'unverified'
  /** JSON paths in the session's `agent`, or why it could not be looked at. */
  readonly differences: readonly string[]
  /** Of what was approved, else of what is saved; '' when it could not be read. */
  readonly expected_hash: string
  readonly answered_hash: string
  readonly action: '' | 'stopped' | 'stop_failed'
}

export type VerificationDeps = ComparingDeps & {
  /** Interrupts and archives a session with the team's credential; rejects when it does not end. */
  readonly stopSession: (team: string, sessionId: string) => Promise<void>
  /** Journal, log and metrics; must not throw. */
  readonly onVerified: (record: VerificationRecord) => void
}

/** One exchange whose answer may have to be verified. */
export type Answering = {
  readonly operationId: string
  readonly exchangeId: string
  readonly team: string
  readonly caller: string
  readonly pin: PinOutcome | null
  /** The body as it went up. */
  readonly body: Buffer | null
}

export type Watch = {
  /** The answer, parsed. What is said first counts. */
  readonly onBody: (body: unknown) => void
  /** It succeeded and cannot be read. */
  readonly onUnread: (reason: string) => void
}

export type Verification = {
  /** Null for exchanges that no class wants verified. */
  readonly watch: (answering: Answering) => Watch | null
  /** Resolves when everything begun so far is done; never rejects. */
  readonly settled: () => Promise<void>
}

/** Comparisons at once; beyond them an answer counts as one that could not be looked at. */
const pendingMax = 1_000

/** Makes the verification of one gateway. */
export function createVerification(deps: VerificationDeps): Verification {
  const pending = new Set<Promise<void>>()
  return {
    watch: (answering) => {
      const { pin, operationId } = answering
      const wanted = pin?.kind === 'judged' ? pin.verified : undefined
      if (pin?.kind !== 'judged' || wanted === undefined) return null
      if (operationId !== 'sessions.create' && operationId !== 'deployments.run') return null
      let isBegun = false
      const begin = (work: () => Promise<Looked>): void => {
        if (isBegun) return
        isBegun = true
        const task: Promise<void> = (pending.size < pendingMax ? work() : overrun())
          .catch((): Looked => unread('it could not be compared'))
          .then((looked) => finish(deps, answering, pin, wanted.mode, looked))
          .finally(() => pending.delete(task))
        pending.add(task)
      }
      return {
        onBody: (body) => begin(() => look(deps, answering, pin, body)),
        onUnread: (reason) => begin(async () => unread(reason)),
      }
    },
    settled: async () => {
      await Promise.all(pending)
    },
  }
}

const overrun = async (): Promise<Looked> => unread('too many answers at once')

async function look(
  deps: VerificationDeps,
  answering: Answering,
  pin: PinJudged,
  body: unknown,
): Promise<Looked> {
  const facts = deps.factsOf(answering.team)
  if (answering.operationId === 'sessions.create') return compareSession(deps, answering, pin, body)
  // A run that made no session runs nothing.
  const sessionId = textMember(body, 'session_id')
  if (sessionId === undefined) return { ...unread('no session was made'), differences: [], isRead: true }
  const session = await retry(() => facts.session(sessionId))
  const found = await compareSession(deps, answering, pin, session)
  return found.sessionId === '' ? { ...found, sessionId } : found
}

/** Fails closed: where a class requires the answer to be verified, what cannot be looked at is stopped like what differs. */
async function finish(
  deps: VerificationDeps,
  { exchangeId, team, caller }: Answering,
  pin: PinJudged,
  mode: Mode,
  looked: Looked,
): Promise<void> {
  const { sessionId, differences, unknown } = looked
  const outcome = !looked.isRead
    ? 'unverified'
    : differences.length > 0
      ? 'different'
      : unknown.length > 0
        ? 'unknown'
        : 'same'
  const mustStop = mode !== 'observe' && (outcome === 'different' || outcome === 'unverified')
  const stopped = async (): Promise<VerificationRecord['action']> => {
    if (!mustStop) return ''
    if (sessionId === '') return 'stop_failed'
    return deps.stopSession(team, sessionId).then(
      () => 'stopped',
      () => 'stop_failed',
    )
  }
  const action = await stopped()
  deps.onVerified({
    kind: 'verification',
    exchange_id: exchangeId,
    checked_at_ms: deps.nowMs(),
    team,
    caller,
    session_id: printable(sessionId),
    agent_id: printable(looked.agentId),
    agent_version: asVersion(looked.version),
    pin_class: pin.classes.join(','),
    mode,
    outcome,
    differences: (outcome === 'unknown' ? unknown : differences).map(withoutKeys),
    expected_hash: looked.expectedHash,
    answered_hash: looked.answeredHash,
    action,
  })
}

/** It is the upstream's text, and may be anything. */
const printable = (text: string): string => withoutKeys(shorten(text, 128))

/** What a column can hold; 0 for what is no version. */
const asVersion = (version: number): number =>
  Number.isSafeInteger(version) && version > 0 && version <= 4_294_967_295 ? version : 0
