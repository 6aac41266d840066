// Plays a scenario on one session: one turn per batch of messages, waiting where the script needs an answer.
// Steps without a delay happen in one go and carry the same time, so running time is exact to the clock.

import type { SimulatorClock } from '../clock.ts'
import type { JsonObject } from '../json.ts'
import type { LiveSession, LiveThread } from '../sessions/live-session.ts'
import type { Scenario, Step } from './scenario.ts'
import { createStage, type Stage } from './stage.ts'

export type Player = {
  /** Takes messages in: now when at rest, else when the running turn is over. Ids are of queued events. */
  readonly enqueue: (eventIds: readonly string[]) => void
  /** Whether a tool use waits for an answer under this id (the child's own or the primary's copy). */
  readonly isPending: (toolUseId: string) => boolean
  /** Answers a waiting tool use; the turn goes on when none is left. */
  readonly answer: (toolUseId: string, verdict: 'allow' | 'deny') => void
  /** Stops the running turn (or one child thread) at once; queued messages are taken next. */
  readonly interrupt: (thread?: LiveThread) => void
  /** Stops for good, silently. */
  readonly stop: () => void
}

type PlayerDeps = {
  readonly session: LiveSession
  readonly scenario: Scenario
  readonly clock: SimulatorClock
}

/** A player at rest. */
export function createPlayer({ session, scenario, clock }: PlayerDeps): Player {
  const stage: Stage = createStage(session, scenario, clock)
  const queue: string[] = []
  let state: 'resting' | 'playing' | 'waiting' | 'stopped' = 'resting'
  let steps: readonly Step[] = []
  let turn = 0
  let verdict: 'allow' | 'deny' | undefined
  let scheduled: Step | undefined
  let cancelTimer = (): void => {}

  const startTurn = (): void => {
    if (state !== 'resting' || queue.length === 0) return
    state = 'playing'
    const processedAt = stage.now()
    for (const id of queue.splice(0)) session.primary.log.settle(id, processedAt)
    steps = scenario.turns[Math.min(turn, scenario.turns.length - 1)] ?? []
    turn += 1
    if (steps[0]?.type !== 'session.status_running') stage.open()
    playOn()
  }

  const playOn = (): void => {
    while (state === 'playing') {
      const [step, ...rest] = steps
      if (step === undefined) {
        finishTurn()
        return
      }
      steps = rest
      if (step.onlyIf !== undefined && step.onlyIf !== verdict) continue
      if (step.delayMs === 0) {
        perform(step)
        continue
      }
      scheduled = step
      cancelTimer = clock.after(step.delayMs, () => {
        scheduled = undefined
        perform(step)
        playOn()
      })
      return
    }
  }

  const perform = (step: Step): void => {
    if (step.type !== 'session.status_idle') {
      stage.perform(step)
      return
    }
    const reason = stage.stopReason(step.fields)
    const isWaiting = reason['type'] === 'requires_action'
    // Everything may have been answered before the script got here; then there is nothing to wait for.
    if (isWaiting && stage.pending().length === 0) return
    stage.close(reason, step.fields)
    if (isWaiting) state = 'waiting'
  }

  const finishTurn = (): void => {
    if (session.status === 'running') stage.close({ type: 'end_turn' })
    state = session.status === 'terminated' ? 'stopped' : 'resting'
    startTurn()
  }

  const interruptChild = (thread: LiveThread): void => {
    if (thread.status !== 'running') return
    steps = steps.filter((step) => stage.threadOf(step) !== thread)
    stage.halt(thread)
    if (scheduled === undefined || stage.threadOf(scheduled) !== thread) return
    cancelTimer()
    scheduled = undefined
    playOn()
  }

  return {
    enqueue: (eventIds) => {
      queue.push(...eventIds)
      startTurn()
    },
    isPending: (toolUseId) => stage.isPending(toolUseId),
    answer: (toolUseId, given) => {
      verdict = given
      stage.resolve(toolUseId)
      if (state !== 'waiting') return
      if (stage.pending().length > 0) {
        const remaining: JsonObject = stage.stopReason({ stop_reason: { type: 'requires_action' } })
        session.emit(session.primary, 'session.status_idle', { stop_reason: remaining, stop_details: null })
        return
      }
      state = 'playing'
      if (steps[0]?.type !== 'session.status_running') stage.open()
      playOn()
    },
    interrupt: (thread) => {
      if (thread !== undefined && thread !== session.primary) {
        interruptChild(thread)
        return
      }
      if (state !== 'playing' && state !== 'waiting') return
      cancelTimer()
      steps = []
      stage.forgetPending()
      stage.open()
      for (const each of session.threads.values()) stage.endOpenRequest(each)
      finishTurn()
    },
    stop: () => {
      cancelTimer()
      state = 'stopped'
    },
  }
}
