// Which agent version may run, and with what. Every request is put into its classes; what they require is passed, recorded,
// written into the body or refused with the words to send instead. The upstream picks "latest" for nobody here.
import type { Caller } from '../identify/caller.ts'
import { TollgateError } from '../kernel/errors.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { after } from './after.ts'
import { applyRules, type Examination } from './apply-rules.ts'
import { classify, type Membership } from './classify.ts'
import { conclude } from './conclude.ts'
import { type Around, draft } from './examined.ts'
import { isObject, type JsonObject, member, textMember } from './json-values.ts'
import type { PinOutcome } from './pin-outcome.ts'
import type { Pins } from './pins.ts'
import { createPlans, type Plan } from './plan.ts'
import type { PinFacts, PinRule } from './rule.ts'
import { readNamedAgent } from './rules/reference.ts'
import { addExisting, addRoster, findTouched, type Touched } from './touched.ts'

export type PinRequest = {
  readonly operation: Operation
  readonly caller: Caller
  /** Path parameters of the operation. */
  readonly params: { readonly [name: string]: string }
  /** The bytes received; null when the operation has none. */
  readonly body: Buffer | null
  /** The same body as `readJsonBody` read it. */
  readonly parsed: unknown
}

/** A promise when something must be asked of the upstream first. */
export type Pin = (request: PinRequest) => PinOutcome | Promise<PinOutcome>

export type PinDeps = {
  /** Asked once per request: all of a request is judged by one set of pins. */
  readonly pins: () => Pins
  readonly rules: readonly PinRule[]
  readonly nowMs: () => number
  readonly factsOf: (team: string) => PinFacts
  /** Whether a watch holds this agent's canary right now. */
  readonly isHeld: (agentId: string) => boolean
}

const open: PinOutcome = { kind: 'open' }
const noBody: JsonObject = {}
const runs: ReadonlySet<string> = new Set(['sessions.create', 'deployments.create', 'deployments.update'])

/**
 * Decides on one request by the pins of this moment. `open` when no class requires anything of it; `judged` with the body
 * to send, which differs in the values that its edits name only; `denied` otherwise. What cannot be read counts as the
 * strictest it could be. Throws or rejects with `pin.unavailable` when what decides cannot be asked of the upstream.
 */
export function createPin(deps: PinDeps): Pin {
  const planOf = createPlans(deps.rules)
  return (request) => {
    const pins = deps.pins()
    const plan = planOf(pins)
    const rules = plan.rulesOf(request.operation.id)
    const isSpread = pins.rollouts.size > 0 && runs.has(request.operation.id)
    if (rules.length === 0 && !isSpread) return open
    const { operation, caller, params, body } = request
    const parsed = isObject(request.parsed) ? request.parsed : noBody
    const { nowMs, isHeld, factsOf } = deps
    const around: Around = {
      operation,
      caller,
      params,
      pins,
      nowMs: nowMs(),
      isHeld,
      facts: factsOf(caller.team),
    }
    const received = draft(around, body === null ? '' : body.toString('utf8'), parsed)
    // Most events can be told at a glance from those that any class would look at.
    if (operation.id === 'sessions.events.send' && meetsEverything(rules, received.examined)) return open
    const touched = findTouched(received.examined)
    const judge = (memberships: readonly Membership[]): PinOutcome | Promise<PinOutcome> =>
      after(applyRules(rules, around, received, memberships), (examination) =>
        after(withRoster(plan, around, touched, examination), () => {
          const now = classify(pins, touched)
          // Its roster put it into more classes: all of it is judged again, by all of them.
          if (now.some(({ pinClass }) => !memberships.some((each) => each.pinClass === pinClass)))
            return judge(now)
          return conclude(around, received, memberships, examination)
        }),
      )
    const judged = after(enrich(plan, around, touched), () => judge(classify(pins, touched)))
    return judged instanceof Promise ? judged.catch((cause: unknown) => unavailable(plan, cause)) : judged
  }
}

/** What is only watched must not stop anybody. */
function unavailable(plan: Plan, cause: unknown): PinOutcome {
  if (cause instanceof TollgateError) throw cause
  if (!plan.isBinding) return open
  throw new TollgateError('pin.unavailable', undefined, { cause })
}

function meetsEverything(rules: readonly PinRule[], examined: Parameters<PinRule['examine']>[0]): boolean {
  return rules.every((rule) => {
    const found = rule.examine(examined, { mode: 'require', allow: [] })
    return !(found instanceof Promise) && found.length === 0
  })
}

/** Adds what the request does not say itself: the session or deployment that is there already, what agents are called. */
function enrich(plan: Plan, { operation, params, facts }: Around, touched: Touched): void | Promise<void> {
  const existing = plan.goesByObjects ? existingOf(operation.id, params, facts) : null
  if (existing === null && !plan.goesByAgentNames) return
  const add = async (): Promise<void> => {
    const object = await existing
    if (object !== null) addExisting(touched, object)
    if (plan.goesByAgentNames) await addNames(touched, facts)
  }
  return add()
}

function existingOf(
  operationId: string,
  params: Around['params'],
  facts: PinFacts,
): Promise<JsonObject | null> | null {
  if (operationId === 'sessions.update' || operationId === 'sessions.events.send')
    return facts.session(params['session_id'] ?? '')
  if (operationId === 'deployments.update' || operationId === 'deployments.run')
    return facts.deployment(params['deployment_id'] ?? '')
  return null
}

async function addNames({ agents, subjects }: Touched, facts: PinFacts): Promise<void> {
  const found = await Promise.all([...agents].map(([id, version]) => facts.agentVersion(id, version)))
  for (const agent of found) {
    const name = textMember(agent?.config, 'name')
    if (name !== undefined) subjects.get('agent_name')?.names.add(name)
  }
}

/** What the version that would run brings along may be sensitive where the version itself is not. */
function withRoster(
  plan: Plan,
  around: Around,
  touched: Touched,
  { draft: last }: Examination,
): void | Promise<void> {
  if (!plan.goesByAgents || !runs.has(around.operation.id)) return
  const named = readNamedAgent('explicit_version', last.examined)
  if (named === null || named.kind === 'finding') return
  const add = async (): Promise<void> => {
    const saved = await around.facts.agentVersion(named.id, named.version)
    const name = textMember(saved?.config, 'name')
    if (name !== undefined) touched.subjects.get('agent_name')?.names.add(name)
    const roster = member(saved?.config, 'multiagent')
    addRoster(touched, roster)
    if (plan.goesByAgentNames && roster !== undefined) await addNames(touched, around.facts)
  }
  return add()
}
