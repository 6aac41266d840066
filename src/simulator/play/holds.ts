// Which threads stand still in the middle of a turn, and why: for an answer of the client, for money, or for
// another thread that stands still. Their steps are kept until they may go on.

import type { LiveSession, LiveThread } from '../sessions/live-session.ts'
import { isBudgetReached } from '../sessions/session-budget.ts'
import type { Step } from './scenario.ts'
import type { Stage } from './stage.ts'

export type Holds = ReturnType<typeof createHolds>

type Reason = 'action' | 'budget' | 'peer'

/** What a thread does not do before its tool uses are answered. */
const afterAnswers: ReadonlySet<string> = new Set([
  'agent.tool_result',
  'agent.mcp_tool_result',
  'agent.message',
  'agent.thinking',
  'agent.thread_message_sent',
  'session.thread_created',
  'span.model_request_start',
  'span.outcome_evaluation_start',
  'workflow_run.created',
])

/** The holds of one session, none at first. */
export function createHolds(session: LiveSession, stage: Stage, nowMs: () => number) {
  const blocked = new Map<LiveThread, Reason>()
  let held: readonly Step[] = []

  /** Also when its usage has a model without a list price, which no budget can measure. */
  const isOverBudget = (): boolean =>
    session.budget !== null && (session.meter.total().unpriced > 0 || isBudgetReached(session, nowMs()))

  const waitForAnswers = (thread: LiveThread): void => {
    blocked.set(thread, 'action')
    const eventIds = stage.tools.pending(thread).map(({ ownId }) => ownId)
    if (thread.status !== 'running') return
    stage.statuses.idleThread(thread, { type: 'requires_action', event_ids: eventIds })
  }
  const waitForMoney = (thread: LiveThread): void => {
    blocked.set(thread, 'budget')
    if (thread.status === 'running') stage.statuses.idleThread(thread, { type: 'budget_reached' })
    // While others go on, this pause has a snapshot of its own; the last one's comes with the session's idle.
    if (stage.statuses.isAnyRunning()) stage.statuses.emitUsage()
  }

  /** Holds the actor of a step when it may not go on to it. */
  const check = (step: Step, actor: LiveThread): void => {
    if (blocked.has(actor)) return
    const peer = stage.peerOf(step)
    if (step.type === 'agent.thread_message_received' && peer !== actor && blocked.has(peer)) {
      blocked.set(actor, 'peer')
    } else if (
      afterAnswers.has(step.type) &&
      !stage.isRequestOpen(actor) &&
      stage.tools.pending(actor).length > 0
    ) {
      waitForAnswers(actor)
    } else if (step.type === 'span.model_request_start' && isOverBudget()) {
      waitForMoney(actor)
    }
  }

  return {
    isOverBudget,
    /** Whether the step must wait; it is kept then. */
    keeps: (step: Step): boolean => {
      const actor = stage.actorOf(step)
      check(step, actor)
      if (!blocked.has(actor)) return false
      held = [...held, step]
      return true
    },
    /** Holds every thread that has a tool use to be answered. */
    keepWaiting: (): void => {
      for (const { thread } of stage.tools.pending()) if (!blocked.has(thread)) waitForAnswers(thread)
    },
    /** Why the session stands still. To wait for a person outranks to wait for money. */
    reason: () => {
      const ids = stage.tools.pending().map(({ primaryId }) => primaryId)
      return ids.length > 0 ? { type: 'requires_action', event_ids: ids } : { type: 'budget_reached' }
    },
    isAny: (): boolean => blocked.size > 0 || held.length > 0,
    isFor: (thread: LiveThread, reason: Reason): boolean => blocked.get(thread) === reason,
    threads: (reason: Reason): readonly LiveThread[] =>
      [...blocked].flatMap(([thread, why]) => (why === reason ? [thread] : [])),
    /** Lets these threads go on, and whoever stood still because of them. Answers the steps they had left. */
    release: (threads: readonly LiveThread[]): readonly Step[] => {
      for (const [thread, why] of [...blocked]) {
        if (why === 'peer' || threads.includes(thread)) blocked.delete(thread)
      }
      const steps = held
      held = []
      return steps
    },
    /** Forgets a thread's steps, or everybody's. */
    drop: (thread?: LiveThread): void => {
      if (thread === undefined) blocked.clear()
      else blocked.delete(thread)
      held = thread === undefined ? [] : held.filter((step) => stage.actorOf(step) !== thread)
    },
  }
}
