// Plays a scenario on one session: one turn per batch of messages, standing still where a client must answer or the
// budget is used up. Steps without a delay happen in one go and carry the same time, so running time is exact.

import type { SimulatorClock } from '../clock.ts'
import type { LiveSession, LiveThread } from '../sessions/live-session.ts'
import { createHolds } from './holds.ts'
import type { Scenario, Step } from './scenario.ts'
import { createScript } from './script.ts'
import { createStage, type Stage, stopReason } from './stage.ts'
import { endTurn, isAtWork } from './statuses.ts'
import type { Pending } from './tool-uses.ts'

export type Player = {
  /** Takes messages in: now when at rest, else when the running turn is over. Ids are of queued events. */
  readonly enqueue: (eventIds: readonly string[]) => void
  /** Whether a tool use waits for an answer under this id (the child's own or the primary's copy). */
  readonly isPending: (toolUseId: string) => boolean
  /** The waiting tool use of an id: its thread, and whether it awaits a `confirmation` or a `result`. */
  readonly findPending: (toolUseId: string) => Pending | undefined
  /** Answers a waiting tool use; the turn goes on when none is left. */
  readonly answer: (toolUseId: string, verdict: 'allow' | 'deny', denyMessage?: string) => void
  /** Stops the running turn (or one thread) at once; queued messages are taken next. */
  readonly interrupt: (thread?: LiveThread) => void
  /** Whether the session's budget lets no model request start. */
  readonly isOverBudget: () => boolean
  /** To be called after the session's budget was replaced or removed: what it had stopped goes on. */
  readonly budgetChanged: () => void
  /** Stops for good, silently but for the end of open workflow runs, which the list then has. */
  readonly stop: () => void
}

type PlayerDeps = {
  readonly session: LiveSession
  readonly scenario: Scenario
  readonly clock: SimulatorClock
}

const isPreviewable = ({ type }: Step): boolean => type === 'agent.message' || type === 'agent.thinking'

/** A player at rest. */
export function createPlayer({ session, scenario, clock }: PlayerDeps): Player {
  const stage: Stage = createStage(session, scenario, clock)
  const holds = createHolds(session, stage, clock.nowMs)
  const { statuses, tools, runs, grading } = stage
  const queue: string[] = []
  let state: 'resting' | 'playing' | 'waiting' | 'stopped' = 'resting'
  const script = createScript(clock)
  let turn = 0
  let verdict: 'allow' | 'deny' | undefined

  const takeQueue = (): void => {
    for (const id of queue.splice(0)) session.primary.log.settle(id, stage.now())
  }
  const startTurn = (): void => {
    if (state !== 'resting' || queue.length === 0) return
    state = 'playing'
    takeQueue()
    const steps = scenario.turns[Math.min(turn, scenario.turns.length - 1)] ?? []
    turn += 1
    script.load(steps)
    if (steps[0]?.type !== 'session.status_running') statuses.open()
    playOn()
  }

  const isDue = ({ onlyIf, versions }: Step): boolean => {
    const { version } = session.agent
    const isInRange = version >= (versions?.from ?? 0) && version <= (versions?.to ?? version)
    return isInRange && (onlyIf === undefined || onlyIf === verdict)
  }

  const playOn = (): void => {
    while (state === 'playing' && !script.isWaiting()) {
      const step = script.take()
      if (step === undefined) endScript()
      else if (!holds.keeps(step) && isDue(step)) begin(step)
    }
  }

  const begin = (step: Step): void => {
    const preview = isPreviewable(step) ? stage.preview(step) : undefined
    if (step.delayMs === 0) {
      perform(step, preview?.id)
      return
    }
    script.schedule(step, preview, () => {
      // The budget may have been used up in the meantime.
      if (!holds.keeps({ ...step, delayMs: 0 })) perform(step, preview?.id)
      playOn()
    })
  }

  const perform = (step: Step, id?: string): void => {
    // Where a script waits, it waits for what is not yet answered; then there may be nothing to wait for.
    if (step.type === 'session.status_idle' && stopReason(step.fields)['type'] === 'requires_action') {
      holds.keepWaiting()
      return
    }
    const consequence = stage.perform(step, id)
    if (consequence === 'terminal') stage.terminate()
    if (consequence === 'exhausted') failTurn(stage.actorOf(step))
    if (session.status === 'terminated') state = 'stopped'
  }

  /** The turn is dead, and so are the messages that waited for its end. A child dies with its turn. */
  const failTurn = (thread: LiveThread): void => {
    const reason = { type: 'retries_exhausted' }
    dropSteps(thread === session.primary ? undefined : thread)
    if (thread === session.primary) {
      takeQueue()
      statuses.close(reason)
      state = 'resting'
      return
    }
    stage.halt(thread, reason)
    statuses.moveThread(thread, 'terminated')
  }

  /** Nothing left to play: the turn is over, unless somebody stands still or an outcome waits for its grader. */
  const endScript = (): void => {
    holds.keepWaiting()
    if (holds.isAny()) {
      rest()
      return
    }
    const steps = grading.remaining()
    script.load(steps)
    if (steps.length === 0) finishTurn()
  }

  /** Brings the session to idle in the middle of a turn. */
  const rest = (): void => {
    state = 'waiting'
    runs.pause()
    for (const thread of [...session.threads.values()].reverse()) stage.halt(thread)
    statuses.idleSession(holds.reason())
  }

  /** Lets threads that stood still go on, in the middle of the turn or out of its rest. */
  const release = (threads: readonly LiveThread[]): void => {
    script.insert(holds.release(threads))
    for (const thread of threads) statuses.run(thread)
    if (state === 'waiting') runs.resume()
    state = 'playing'
    playOn()
  }

  const finishTurn = (): void => {
    state = 'resting'
    runs.pause()
    if (session.status === 'running' || session.status === 'rescheduling') statuses.close(endTurn)
    startTurn()
  }

  /** Forgets what a thread, or everybody, had still to do. */
  const dropSteps = (thread?: LiveThread): void => {
    script.drop((step) => thread === undefined || stage.actorOf(step) === thread)
    holds.drop(thread)
    tools.drop(thread)
  }

  const interruptAll = (): void => {
    const stoodStill = [...holds.threads('action'), ...holds.threads('budget')]
    dropSteps()
    stage.cutRequests()
    grading.interrupt()
    if (session.status === 'idle') {
      for (const thread of stoodStill) statuses.idleThread(thread, endTurn)
      statuses.idleSession(endTurn)
    }
    finishTurn()
  }
  const interruptOne = (thread: LiveThread): void => {
    const stoodStill = holds.isFor(thread, 'action') || holds.isFor(thread, 'budget')
    if (!stoodStill && !isAtWork(thread)) return
    dropSteps(thread)
    stage.halt(thread)
    if (stoodStill) statuses.idleThread(thread, endTurn)
    if (state === 'playing') playOn()
    else if (holds.isAny()) statuses.idleSession(holds.reason())
    else {
      statuses.idleSession(endTurn)
      finishTurn()
    }
  }

  return {
    enqueue: (eventIds) => {
      queue.push(...eventIds)
      startTurn()
    },
    isPending: (toolUseId) => tools.find(toolUseId) !== undefined,
    findPending: tools.find,
    answer: (toolUseId, given, denyMessage) => {
      const thread = tools.find(toolUseId)?.thread
      if (thread === undefined) return
      if (tools.find(toolUseId)?.awaits === 'confirmation') verdict = given
      tools.answer(toolUseId, { verdict: given, denyMessage })
      if (state === 'waiting' && tools.pending().length > 0) statuses.idleSession(holds.reason())
      else if (state === 'waiting') release(holds.threads('action'))
      else if (tools.pending(thread).length === 0 && holds.isFor(thread, 'action')) release([thread])
    },
    interrupt: (thread) => {
      if (state !== 'playing' && state !== 'waiting') return
      if (thread === undefined || (thread === session.primary && !statuses.isAnyRunning(thread)))
        interruptAll()
      else interruptOne(thread)
    },
    isOverBudget: holds.isOverBudget,
    budgetChanged: () => {
      const freed = holds.threads('budget')
      if (freed.length > 0 && !holds.isOverBudget()) release(freed)
    },
    stop: () => {
      script.drop(() => true)
      state = 'stopped'
      runs.abandon()
    },
  }
}
