// A stop: somebody's order that something must not go on, and whether a request is part of it. Pure.
import type { Denial } from '../../kernel/errors.ts'
import { memberOf } from '../../kernel/own-member.ts'
import type { Operation } from '../../upstream/operation-type.ts'

export const stopKinds = ['session', 'agent', 'team', 'caller', 'key', 'deployment', 'all'] as const
export type StopKind = (typeof stopKinds)[number]

export type Stop = {
  readonly stop_id: string
  readonly kind: StopKind
  /** The id or name; '' for all. */
  readonly target: string
  /** Of an agent; 0 is every version. */
  readonly version: number
  readonly reason: string
  readonly ordered_by: string
  readonly ordered_at_ms: number
  /** 0 has no end. */
  readonly until_ms: number
  /** Sessions are archived, too. */
  readonly archive: boolean
  readonly lifted_by: string
  /** 0 is not lifted. */
  readonly lifted_at_ms: number
}

/** What a request or a session has to do with stops. */
export type StopDims = {
  readonly session: string
  /** '' is none, or not known. */
  readonly agent: string
  /** Null is not known: then every version counts. */
  readonly version: number | null
  readonly teams: readonly string[]
  readonly callers: readonly string[]
  readonly key: string
  readonly deployment: string
}

/** In force at a moment. */
export const isInForce = ({ lifted_at_ms, until_ms }: Stop, nowMs: number): boolean =>
  lifted_at_ms === 0 && (until_ms === 0 || nowMs < until_ms)

/** Whether a stop is about this. */
export function isAbout({ kind, target, version }: Stop, dims: StopDims): boolean {
  switch (kind) {
    case 'all':
      return true
    case 'session':
      return dims.session === target
    case 'deployment':
      return dims.deployment === target
    case 'key':
      return dims.key === target
    case 'team':
      return dims.teams.includes(target)
    case 'caller':
      return dims.callers.includes(target)
    case 'agent':
      return dims.agent === target && (version === 0 || dims.version === null || dims.version === version)
  }
}

/** What begins work or lets it go on. */
const works: ReadonlySet<string> = new Set([
  'sessions.create',
  // May raise a limit, which lets a session go on by itself.
  'sessions.update',
  'deployments.create',
  'deployments.update',
  'deployments.unpause',
  'deployments.run',
  'dreams.create',
  'messages.create',
  'messages.batches.create',
])

/**
 * Whether a stop that is about a request refuses it: what works, answers and streams of events. Reading stays allowed, and
 * so does what ends something: interrupts, archiving, deleting, pausing. A stopped key may do nothing.
 */
export function isRefused(
  { kind }: Stop,
  operation: Pick<Operation, 'id' | 'answer'>,
  parsed: unknown,
): boolean {
  if (kind === 'key' || works.has(operation.id)) return true
  if (operation.id === 'sessions.events.send') return !isInterrupt(parsed)
  return operation.answer === 'sse'
}

function isInterrupt(parsed: unknown): boolean {
  const events = memberOf(parsed, 'events')
  return Array.isArray(events) && events.every((event) => memberOf(event, 'type') === 'user.interrupt')
}

/** The refusal: what is stopped, by whom, why, until when, and how it ends. */
export function stopDenial(stop: Stop): Denial {
  return { kind: 'denial', code: 'stop.active', message: tellStop(stop), rule: `stop ${stop.stop_id}` }
}

/** The sentence, for callers and streams. */
export function tellStop(stop: Stop): string {
  const until =
    stop.until_ms === 0 ? 'until somebody lifts it' : `until ${new Date(stop.until_ms).toISOString()}`
  return `${nameTarget(stop)} is stopped by ${stop.ordered_by} ${until}: ${stop.reason}; ask them, or whoever may lift stop \`${stop.stop_id}\``
}

/** `agent \`agent_1\` version 3`, `everything`. */
export function nameTarget({ kind, target, version }: Pick<Stop, 'kind' | 'target' | 'version'>): string {
  if (kind === 'all') return 'everything'
  return `${kind} \`${target}\`${version === 0 ? '' : ` version ${version}`}`
}

/** Both sides' knowledge of stops in one: what one of them knows as lifted is lifted. */
export function mergeStops(...lists: readonly (readonly Stop[])[]): readonly Stop[] {
  const known = new Map<string, Stop>()
  for (const stop of lists.flat()) {
    const before = known.get(stop.stop_id)
    if (before === undefined || (before.lifted_at_ms === 0 && stop.lifted_at_ms !== 0))
      known.set(stop.stop_id, stop)
  }
  return [...known.values()].toSorted(
    (a, b) => a.ordered_at_ms - b.ordered_at_ms || (a.stop_id < b.stop_id ? -1 : 1),
  )
}
