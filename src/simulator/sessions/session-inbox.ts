// What clients tell a session: events are checked all together, then echoed, then acted upon.

import { newId } from '../ids.ts'
import type { SessionRecord, World } from '../world.ts'
import type { SessionEvent } from './event-log.ts'
import { answeredId, checkEvents, findToolUse } from './inbox-check.ts'
import type { InboxEvent } from './inbox-events.ts'
import { type LiveSession, type LiveThread, timestamp } from './live-session.ts'
import { followOutcome } from './outcome-evaluations.ts'

/** These are echoed already processed; the others are queued first. */
const immediate: ReadonlySet<string> = new Set([
  'user.define_outcome',
  'user.custom_tool_result',
  'user.tool_result',
])

type Accepted = {
  readonly event: InboxEvent
  readonly echoed: SessionEvent
  readonly child: LiveThread | undefined
}

/** The child thread an answer goes to; undefined when it goes to the primary thread. */
function childOf(live: LiveSession, event: InboxEvent): LiveThread | undefined {
  const id = answeredId(event)
  const thread = id === undefined ? undefined : findToolUse(live, id)?.thread
  return thread === live.primary ? undefined : thread
}

function echo(live: LiveSession, event: InboxEvent, now: string): Accepted {
  const child = childOf(live, event)
  const echoed: SessionEvent = {
    ...event,
    ...(event.type === 'user.define_outcome'
      ? { outcome_id: newId('outc'), max_iterations: event.max_iterations ?? null }
      : {}),
    ...(child === undefined ? {} : { session_thread_id: child.id }),
    id: newId('sevt'),
    processed_at: immediate.has(event.type) ? now : null,
  }
  return { event, echoed, child }
}

/** The child's own copy of an answer has another id and names no thread. */
function copyToChild({ echoed, child }: Accepted, now: string): void {
  const { session_thread_id: _, ...shown } = echoed
  child?.log.append({ ...shown, type: echoed.type, id: newId('sevt'), processed_at: now })
}

function act({ live, player }: SessionRecord, accepted: Accepted, now: string): void {
  const { event, echoed, child } = accepted
  if (echoed.processed_at === null) live.primary.log.settle(echoed.id, now)
  // An answer that comes too late for its thread is kept, and that is all.
  if (child?.status === 'terminated') return
  copyToChild(accepted, now)
  const id = answeredId(event)
  if (id !== undefined && event.type === 'user.tool_confirmation') {
    player.answer(id, event.result, event.deny_message ?? undefined)
  } else if (id !== undefined) {
    player.answer(id, 'allow')
  }
  if (event.type === 'user.interrupt') {
    player.interrupt(event.session_thread_id ? live.threads.get(event.session_thread_id) : undefined)
  }
}

/** Whether an event waits for a turn of its own: a message, and the system message that goes with it. */
function isQueued({ type }: InboxEvent, previous: InboxEvent | undefined): boolean {
  if (type === 'system.message') return previous?.type === 'user.message'
  return type === 'user.message' || type === 'user.define_outcome'
}

/**
 * Takes a batch of events in, all or none, and answers the echoes with their ids. Throws a 400 when one of
 * them cannot be taken; nothing has happened then.
 */
export function acceptEvents(
  world: World,
  record: SessionRecord,
  events: readonly InboxEvent[],
): readonly SessionEvent[] {
  checkEvents(record, events)
  const { live, player } = record
  const now = timestamp(world.clock.nowMs())
  const accepted = events.map((event) => echo(live, event, now))
  for (const { echoed } of accepted) {
    live.primary.log.append(echoed)
    live.outcomes = followOutcome(live.outcomes, echoed)
  }
  const queued: string[] = []
  for (const [at, each] of accepted.entries()) {
    if (isQueued(each.event, events[at - 1])) queued.push(each.echoed.id)
    else act(record, each, now)
  }
  if (queued.length > 0) player.enqueue(queued)
  return accepted.map(({ echoed }) => echoed)
}
