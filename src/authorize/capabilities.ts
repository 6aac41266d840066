// What a request would do, spelled out: not only "create a session" but also "with this agent, in this environment,
// with these vaults". Every one of these pairs must be allowed. Pure: it reads the judged body and nothing else.
import { z } from 'zod'
import type { Denial } from '../kernel/errors.ts'
import { lookalikeOf } from '../upstream/lookalike.ts'
import type { Operation } from '../upstream/operation-type.ts'
import type { Capability } from './permit.ts'

export type CapabilityRequest = {
  readonly operation: Operation
  /** Path parameters by name. */
  readonly params: { readonly [name: string]: string }
  /** The parsed body, after pinning; undefined when there is none or it streams. */
  readonly parsed: unknown
}

/**
 * The operation's own pair first, then what its body hands out, without repetition.
 * A body that hides a name we must judge (an agent that is neither a string nor an object with an id) is a denial:
 * guessing would mean judging something else than what runs.
 */
export function expandCapabilities(request: CapabilityRequest): readonly Capability[] | Denial {
  const { operation, params, parsed } = request
  const id = operation.objectParam === undefined ? undefined : params[operation.objectParam]
  const own: Capability = { action: operation.action, object: `${operation.resource}/${id ?? '*'}` }
  const handedOut = handOuts[operation.id]?.(parsed) ?? []
  if ('kind' in handedOut) return handedOut
  // Sending is judged per event type; with types at hand `event/*` would ask for more than the request does.
  const all = operation.action === 'event.send' && handedOut.length > 0 ? handedOut : [own, ...handedOut]
  return withoutRepetition(all)
}

type HandOut = (parsed: unknown) => readonly Capability[] | Denial

/** Operations whose bodies hand out more than the operation's own pair, by operation id. */
const handOuts: { readonly [operationId: string]: HandOut | undefined } = {
  'sessions.create': handOutsOfRun,
  'deployments.create': handOutsOfRun,
  'deployments.update': handOutsOfRun,
  'sessions.update': handOutsOfUpdate,
  'sessions.events.send': handOutsOfEvents,
}

// A rule names an object letter by letter; an id that the upstream might trim or decode would slip past it.
const id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)
const eventType = z.string().regex(/^[a-z][a-z0-9_.]{0,127}$/)
/** Far more than a request of the API may hold, and few enough to be judged one by one. */
const namesMax = 1_000

/** An object in which every known key is spelled as known: a lenient parser might read the other spelling. */
const exactly = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => {
  const names = new Set(Object.keys(shape))
  return z
    .custom<object>(
      (value) => typeof value !== 'object' || value === null || lookalikeOf(value, names) === null,
    )
    .pipe(z.looseObject(shape))
}
const few = <Item extends z.ZodType>(item: Item) =>
  z.custom<unknown[]>((value) => !Array.isArray(value) || value.length <= namesMax).pipe(z.array(item))

const agentMembers: ReadonlySet<string> = new Set(['type', 'id', 'version'])
const agentSchema = z.union([
  id.transform((plain) => ({ id: plain, overrides: false })),
  exactly({ id, type: z.enum(['agent', 'agent_with_overrides']), version: z.unknown().optional() }).transform(
    (agent) => ({
      id: agent.id,
      overrides:
        agent.type === 'agent_with_overrides' ||
        Object.keys(agent).some((member) => !agentMembers.has(member)),
    }),
  ),
])
const eventsSchema = few(exactly({ type: eventType }))
const runSchema = exactly({
  agent: agentSchema.nullish(),
  environment_id: id.nullish(),
  vault_ids: few(id).nullish(),
  initial_events: eventsSchema.nullish(),
})
const sendSchema = exactly({ events: eventsSchema.nullish() })
const updateSchema = exactly({ agent: z.unknown().optional(), vault_ids: few(id).nullish() })

/** Sessions and deployments: agent, environment, vaults, first events. What is absent hands out nothing. */
function handOutsOfRun(parsed: unknown): readonly Capability[] | Denial {
  const run = runSchema.safeParse(parsed ?? {})
  if (!run.success) return unreadable(run.error)
  const { agent, environment_id, vault_ids, initial_events } = run.data
  const capabilities: Capability[] = []
  if (agent != null) capabilities.push({ action: 'agent.use', object: `agent/${agent.id}` })
  if (agent?.overrides === true) {
    capabilities.push({ action: 'agent.override', object: `agent/${agent.id}` })
  }
  if (environment_id != null) {
    capabilities.push({ action: 'environment.use', object: `environment/${environment_id}` })
  }
  return [
    ...capabilities,
    ...(vault_ids ?? []).map(useOfVault),
    ...(initial_events ?? []).flatMap(capabilitiesOfEvent),
  ]
}

function handOutsOfEvents(parsed: unknown): readonly Capability[] | Denial {
  const body = sendSchema.safeParse(parsed ?? {})
  if (!body.success) return unreadable(body.error)
  return (body.data.events ?? []).flatMap(capabilitiesOfEvent)
}

/** Tools and MCP servers of a running session replace its agent's; which agent that is, only the upstream knows. */
function handOutsOfUpdate(parsed: unknown): readonly Capability[] | Denial {
  const update = updateSchema.safeParse(parsed ?? {})
  if (!update.success) return unreadable(update.error)
  const { agent, vault_ids } = update.data
  const override: readonly Capability[] =
    agent === undefined ? [] : [{ action: 'agent.override', object: 'agent/*' }]
  return [...override, ...(vault_ids ?? []).map(useOfVault)]
}

const useOfVault = (id: string): Capability => ({ action: 'vault.use', object: `vault/${id}` })

/** A confirmation names the call, not the tool: until sessions are known here it is asked for every tool. */
function capabilitiesOfEvent({ type }: { readonly type: string }): readonly Capability[] {
  const send: Capability = { action: 'event.send', object: `event/${type}` }
  return type === 'user.tool_confirmation' ? [send, { action: 'tool.confirm', object: 'tool/*' }] : [send]
}

function unreadable(error: z.ZodError): Denial {
  const at = error.issues[0]?.path.join('.') ?? ''
  const message = `\`${at === '' ? 'body' : at}\` is not readable, so it cannot be judged; see the API reference for its form`
  return { kind: 'denial', code: 'body.shape', message, rule: '' }
}

function withoutRepetition(all: readonly Capability[]): readonly Capability[] {
  return [...new Map(all.map((each) => [`${each.action} ${each.object}`, each])).values()]
}
