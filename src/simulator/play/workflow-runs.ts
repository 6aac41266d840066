// Workflow runs: background work with phases and threads of its own (SDK 1.12.0
// `BetaManagedAgentsWorkflowRun*Event`). Their events are on the primary thread, and nothing lists them.

import { z } from 'zod'
import type { SimulatorClock } from '../clock.ts'
import { newId } from '../ids.ts'
import { type JsonObject, jsonObject } from '../json.ts'
import { type LiveSession, timestamp } from '../sessions/live-session.ts'
import type { Step } from './scenario.ts'
import { endTurn, isAtWork, type Statuses } from './statuses.ts'

type Run = {
  readonly id: string
  readonly phaseIds: ReadonlyMap<string, string>
  /** The phases it is in, with the event that says so. */
  readonly openPhases: Map<string, string>
  isRunning: boolean
}

const created = z.looseObject({
  phases: z
    .array(z.object({ name: z.string(), description: z.string().nullable().default(null) }))
    .default([]),
})
const ended = z.looseObject({
  result: z.looseObject({ type: z.string(), error: jsonObject.optional() }).default({ type: 'completed' }),
})

/** The workflow runs of one session. */
export function createWorkflowRuns(session: LiveSession, statuses: Statuses, clock: SimulatorClock) {
  const runs = new Map<string, Run>()
  const { primary } = session
  const tell = (run: Run | undefined, type: string, fields: JsonObject = {}): string =>
    session.emit(primary, type, { workflow_run_id: run?.id ?? null, ...fields }).own.id

  const create = (step: Step): void => {
    const given = created.parse(step.fields)
    const phases = given.phases.map((phase) => ({ id: newId('wfph'), ...phase }))
    const run: Run = {
      id: newId('wfr'),
      phaseIds: new Map(phases.map(({ id, name }) => [name, id])),
      openPhases: new Map(),
      isRunning: false,
    }
    runs.set(step.run ?? '', run)
    tell(run, step.type, { name: step.run ?? 'run', description: null, ...step.fields, phases })
  }

  const move = (run: Run, isRunning: boolean): void => {
    if (run.isRunning === isRunning) return
    run.isRunning = isRunning
    tell(run, `workflow_run.status_${isRunning ? 'running' : 'idle'}`)
  }

  const leavePhase = (run: Run, name: string): void => {
    const startedId = run.openPhases.get(name)
    if (startedId === undefined) return
    run.openPhases.delete(name)
    tell(run, 'workflow_run.phase_ended', {
      workflow_run_phase_id: run.phaseIds.get(name) ?? null,
      phase_started_id: startedId,
    })
  }

  const enterPhase = (run: Run, name: string): void => {
    const id = tell(run, 'workflow_run.phase_started', {
      workflow_run_phase_id: run.phaseIds.get(name) ?? null,
    })
    run.openPhases.set(name, id)
  }

  /** The run's threads are archived with it, and stay in the list with their usage. */
  const archiveThreads = (run: Run): void => {
    for (const thread of session.threads.values()) {
      if (thread.workflowRunId !== run.id || thread.archivedAtMs !== null) continue
      if (isAtWork(thread)) statuses.idleThread(thread, endTurn)
      statuses.moveThread(thread, 'terminated')
      thread.archivedAtMs = clock.nowMs()
    }
  }

  const end = (run: Run, step: Step): void => {
    for (const name of [...run.openPhases.keys()]) leavePhase(run, name)
    const { result } = ended.parse(step.fields)
    if (result.error !== undefined) tell(run, 'workflow_run.error', { error: result.error })
    archiveThreads(run)
    tell(run, step.type, { result, ...step.fields })
    runs.delete(step.run ?? '')
  }

  return {
    idOf: (name: string | undefined): string | undefined => runs.get(name ?? '')?.id,
    perform: (step: Step): void => {
      const run = runs.get(step.run ?? '')
      if (step.type === 'workflow_run.created') create(step)
      else if (run === undefined) tell(undefined, step.type, step.fields)
      else if (step.type === 'workflow_run.status_running') move(run, true)
      else if (step.type === 'workflow_run.status_idle') move(run, false)
      else if (step.type === 'workflow_run.phase_started') enterPhase(run, step.phase ?? '')
      else if (step.type === 'workflow_run.phase_ended') leavePhase(run, step.phase ?? '')
      else if (step.type === 'workflow_run.status_ended') end(run, step)
      else tell(run, step.type, step.fields)
    },
    /** Nothing of the session works any more: what ran is idle. Ends no run. */
    pause: (): void => {
      for (const run of runs.values()) move(run, false)
    },
    /** Goes on with the runs that have a thread, as after a budget was raised. */
    resume: (): void => {
      for (const run of runs.values()) move(run, true)
    },
    /** The session is archived: the last word on each open run is in the list, and on no stream. */
    abandon: (): void => {
      for (const run of runs.values()) {
        primary.log.appendUnseen({
          id: newId('sevt'),
          type: 'workflow_run.status_ended',
          processed_at: timestamp(clock.nowMs()),
          workflow_run_id: run.id,
          result: { type: 'stopped' },
        })
      }
      runs.clear()
    },
  }
}
