// One answered session against what was pinned: which version was meant, what it says, what of it was approved.
import { hashAgent, resolveAgent } from './config-hash.ts'
import { isObject, type JsonObject, member, textMember } from './json-values.ts'
import type { PinJudged } from './pin-outcome.ts'
import type { Pins } from './pins.ts'
import type { PinFacts } from './rule.ts'
import { isCurrent } from './rules/reference.ts'
import { hashSnapshot } from './snapshot-hash.ts'
import { type Comparison, compareSnapshot } from './verify.ts'

export type ComparingDeps = {
  readonly pins: () => Pins
  readonly factsOf: (team: string) => Pick<PinFacts, 'agentVersion' | 'session'>
  readonly nowMs: () => number
}

/** What is compared: the exchange's team, and the body as it went up. */
export type Sent = { readonly team: string; readonly body: Buffer | null }

/** What was found of a session. `differences` say why when it could not be read. */
export type Looked = Comparison & {
  readonly sessionId: string
  readonly agentId: string
  readonly version: number
  readonly expectedHash: string
  readonly answeredHash: string
  readonly isRead: boolean
}

/** Nothing could be looked at, for this reason. */
export const unread = (reason: string, sessionId = ''): Looked => ({
  ...{ sessionId, agentId: '', version: 0, expectedHash: '', answeredHash: '', isRead: false },
  ...{ differences: [reason], unknown: [] },
})

/** Each try has the bound of a read of ours. */
const triesMax = 3

/** Compares a session as the upstream answered it. Rejects with what is thrown for a body that is no JSON. */
export async function compareSession(
  deps: ComparingDeps,
  { team, body }: Sent,
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
  { pins, nowMs }: ComparingDeps,
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

/** Asks up to three times. Rejects with what the last try rejects with. */
export async function retry<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (tries >= triesMax) throw error
    }
  }
}
