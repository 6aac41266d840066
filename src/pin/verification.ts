// After the fact: the session that the upstream answers is read again beside the client's answer, compared with what was
// pinned, recorded, and stopped where a class says so. Nothing here delays or changes what the client gets.
import { hashAgent, resolveAgent } from './config-hash.ts'
import { isObject, type JsonObject, member, textMember } from './json-values.ts'
import type { PinJudged, PinOutcome } from './pin-outcome.ts'
import type { Mode, Pins } from './pins.ts'
import type { PinFacts } from './rule.ts'
import { isCurrent } from './rules/reference.ts'
import { type Comparison, compareSnapshot, hashSnapshot } from './verify.ts'

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

export type VerificationDeps = {
  readonly pins: () => Pins
  readonly factsOf: (team: string) => Pick<PinFacts, 'agentVersion' | 'session'>
  /** Interrupts and archives a session with the team's credential; rejects when it does not end. */
  readonly stopSession: (team: string, sessionId: string) => Promise<void>
  /** Journal, log and metrics; must not throw. */
  readonly onVerified: (record: VerificationRecord) => void
  readonly nowMs: () => number
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
/** Each try has the bound of a read of ours. */
const triesMax = 3

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

type Looked = Comparison & {
  readonly sessionId: string
  readonly agentId: string
  readonly version: number
  readonly expectedHash: string
  readonly answeredHash: string
  readonly isRead: boolean
}

const unread = (reason: string, sessionId = ''): Looked => ({
  ...{ sessionId, agentId: '', version: 0, expectedHash: '', answeredHash: '', isRead: false },
  ...{ differences: [reason], unknown: [] },
})

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

async function compareSession(
  deps: VerificationDeps,
  { team, body }: Answering,
  pin: PinJudged,
  session: unknown,
): Promise<Looked> {
  const sessionId = textMember(session, 'id')
  if (sessionId === undefined) return unread('the answer is no session')
  const snapshot = member(session, 'agent')
  const [answeredId, answeredVersion] = [textMember(snapshot, 'id'), member(snapshot, 'version')]
  if (answeredId === undefined || typeof answeredVersion !== 'number') {
    return unread('the session does not say what it runs', sessionId)
  }
  const agentId = pin.agentId === '' ? answeredId : pin.agentId
  const version = pin.version === 0 ? answeredVersion : pin.version
  const about = {
    sessionId,
    agentId: answeredId,
    version: answeredVersion,
    answeredHash: hashSnapshot(snapshot),
  }
  const other = [
    ...(answeredId === agentId ? [] : ['id']),
    ...(answeredVersion === version ? [] : ['version']),
  ]
  const found = await retry(() => resolveAgent(deps.factsOf(team).agentVersion, agentId, version)).catch(
    () => null,
  )
  if (found === null) {
    // That it is another version than the one asked for is known without reading either.
    return {
      ...unread('the saved version cannot be read', sessionId),
      ...about,
      isRead: other.length > 0,
      differences: other,
    }
  }
  const compared = compareSnapshot(found, sentAgent(body), snapshot)
  const savedHash = hashAgent(found)
  const approval = approvalOf(deps, agentId, version)
  const notApproved =
    approval === 'none' ? ['version'] : approval !== null && approval !== savedHash ? ['config_hash'] : []
  return {
    ...about,
    differences: [...new Set([...other, ...notApproved, ...compared.differences])],
    unknown: compared.unknown,
    expectedHash: approval === null || approval === 'none' ? savedHash : approval,
    isRead: true,
  }
}

/** The hash approved; null where a number alone was, or nobody approves this agent at all; `none` for a version nobody did. */
function approvalOf(
  { pins, nowMs }: VerificationDeps,
  agentId: string,
  version: number,
): string | 'none' | null {
  const now = pins()
  const approvals = now.approved.get(agentId)
  if (approvals === undefined || approvals.length === 0) return null
  const approval = approvals.find(
    (each) => each.version === version && isCurrent(now, agentId, each, nowMs()),
  )
  return approval === undefined ? 'none' : approval.configHash
}

/** The `agent` of the body that went up; null without one. It was read before, or it would not have gone up. */
function sentAgent(body: Buffer | null): JsonObject | null {
  if (body === null) return null
  const parsed: unknown = JSON.parse(body.toString('utf8'))
  const agent = member(parsed, 'agent')
  return isObject(agent) ? agent : null
}

async function retry<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (tries >= triesMax) throw error
    }
  }
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
    session_id: sessionId,
    agent_id: looked.agentId,
    agent_version: looked.version,
    pin_class: pin.classes.join(','),
    mode,
    outcome,
    differences: outcome === 'unknown' ? unknown : differences,
    expected_hash: looked.expectedHash,
    answered_hash: looked.answeredHash,
    action,
  })
}
