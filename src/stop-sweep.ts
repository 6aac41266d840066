// Making a stop true upstream: live sessions interrupted (and archived), streams ended, deployments paused; again and again,
// for what began in between, until nothing is left, and then less often for as long as it is in force.
import { setTimeout as wait } from 'node:timers/promises'
import { isAbout, type Stop, type StopDims, stopDenial, tellStop } from './authorize/stops/stop.ts'
import type { OpenStream } from './gateway/gateway.ts'
import type { Denial } from './kernel/errors.ts'
import type { LiveSession } from './ledger/queries/live-sessions.ts'

export type StoppedSession = {
  readonly session_id: string
  readonly team: string
  readonly outcome: 'interrupted' | 'archived' | 'failed'
  /** From the order on. */
  readonly ms: number
}

/** What a stop has done so far here. */
export type StopProgress = {
  readonly sessions: ReadonlyMap<string, StoppedSession>
  readonly streams: number
  readonly deployments: readonly string[]
  /** What could not be paused or found out, as sentences. */
  readonly problems: readonly string[]
}

export type Deployment = {
  readonly id: string
  readonly team: string
  readonly agent: string
  readonly version: number
  readonly isPaused: boolean
}

export type SweepDeps = {
  readonly nowMs: () => number
  readonly liveSessions: () => Promise<readonly LiveSession[]>
  readonly sessionsOfKey: (keyId: string) => Promise<readonly string[]>
  readonly deployments: (stop: Stop) => Promise<readonly Deployment[]>
  readonly streams: () => readonly OpenStream[]
  /** What a session is, asked of the upstream; null when nobody knows. */
  readonly dimsOf: (team: string, sessionId: string) => Promise<StopDims | null>
  readonly endStream: (exchangeId: string, why: Denial, lastWords: string) => void
  readonly interrupt: (team: string, sessionId: string) => Promise<void>
  readonly archive: (team: string, sessionId: string) => Promise<void>
  readonly pause: (team: string, deploymentId: string) => Promise<void>
  /** Told of each session that was stopped, or could not be. */
  readonly onStopped: (stop: Stop, session: StoppedSession) => void
}

/** What the ledger shows may be some seconds old: what rested so long may work by now. */
const freshMs = 10 * 60_000
const atOnce = 32
const triesMax = 6
const firstWaitMs = 100

export const toDims = (session: LiveSession): StopDims => ({
  session: session.session_id,
  agent: session.agent_id,
  version: session.agent_version === 0 ? null : session.agent_version,
  teams: [session.team],
  callers: [session.caller],
  key: '',
  deployment: session.deployment_id,
})

/** The sessions a stop is about, among those that live. */
export async function sessionsAbout(
  deps: Pick<SweepDeps, 'liveSessions' | 'sessionsOfKey'>,
  stop: Pick<Stop, 'kind' | 'target' | 'version'> & Stop,
): Promise<readonly LiveSession[]> {
  const live = (await deps.liveSessions()).filter(({ has_ended }) => !has_ended)
  if (stop.kind !== 'key') return live.filter((session) => isAbout(stop, toDims(session)))
  const own = new Set(await deps.sessionsOfKey(stop.target))
  return live.filter(({ session_id }) => own.has(session_id))
}

/** The sweeps of one stop. `sweep` does one, and resolves to how many sessions it found to do; it never rejects. */
export function createSweep(
  deps: SweepDeps,
  stop: Stop,
): { readonly sweep: () => Promise<number>; readonly progress: () => StopProgress } {
  const sessions = new Map<string, StoppedSession>()
  const doneAt = new Map<string, number>()
  const paused = new Map<string, true>()
  const problems = new Map<string, string>()
  let streams = 0

  const endStreams = async (
    about: ReadonlySet<string>,
  ): Promise<readonly { readonly id: string; readonly team: string }[]> => {
    const found: { readonly id: string; readonly team: string }[] = []
    for (const stream of deps.streams()) {
      const { caller, params } = stream
      const sessionId = params['session_id'] ?? ''
      const own: StopDims = {
        ...{ session: sessionId, agent: '', version: null, deployment: '' },
        ...{ teams: [caller.team], callers: [caller.id], key: caller.keyId },
      }
      let isOurs = isAbout(stop, own) || about.has(sessionId)
      if (!isOurs && sessionId !== '') {
        const dims = await deps.dimsOf(caller.team, sessionId).catch(() => null)
        isOurs = dims !== null && isAbout(stop, dims)
      }
      if (!isOurs) continue
      streams += 1
      deps.endStream(stream.exchangeId, stopDenial(stop), lastWordsOf(stream, stop, deps.nowMs()))
      if (sessionId !== '') found.push({ id: sessionId, team: caller.team })
    }
    return found
  }

  const stopSession = async (id: string, team: string): Promise<void> => {
    const act = stop.archive ? deps.archive : deps.interrupt
    for (let tries = 1; ; tries += 1) {
      const isDone = await act(team, id).then(
        () => true,
        () => false,
      )
      if (isDone || tries === triesMax) {
        const outcome = !isDone ? 'failed' : stop.archive ? 'archived' : 'interrupted'
        const done: StoppedSession = { session_id: id, team, outcome, ms: deps.nowMs() - stop.ordered_at_ms }
        // The first success tells how long it took.
        const before = sessions.get(id)
        if (before === undefined || before.outcome === 'failed') {
          sessions.set(id, done)
          deps.onStopped(stop, done)
        }
        if (isDone) doneAt.set(id, deps.nowMs())
        return
      }
      await wait(firstWaitMs * 2 ** (tries - 1))
    }
  }

  const needs = (session: LiveSession): boolean => {
    const done = doneAt.get(session.session_id)
    if (done !== undefined) return !stop.archive && session.is_at_work && session.last_edge_ms > done
    return stop.archive || session.is_at_work || session.last_edge_ms > stop.ordered_at_ms - freshMs
  }

  const pauseDeployments = async (): Promise<void> => {
    for (const { id, team, isPaused } of await deps.deployments(stop)) {
      if (isPaused || paused.has(id)) continue
      await deps.pause(team, id).then(
        () => {
          paused.set(id, true)
          problems.delete(id)
        },
        () => problems.set(id, `deployment \`${id}\` could not be paused; trying again`),
      )
    }
  }

  const tryTo = async <T>(what: string, act: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      const result = await act()
      problems.delete(what)
      return result
    } catch {
      problems.set(what, `${what} cannot be found out now; trying again`)
      return otherwise
    }
  }

  return {
    progress: () => ({
      sessions,
      streams,
      deployments: [...paused.keys()],
      problems: [...problems.values()],
    }),
    sweep: async () => {
      const found = await tryTo('live sessions', () => sessionsAbout(deps, stop), [])
      const targets = new Map(found.filter(needs).map((session) => [session.session_id, session.team]))
      // Its id is known, whatever the ledger knows of it.
      if (stop.kind === 'session' && !doneAt.has(stop.target) && !targets.has(stop.target))
        targets.set(stop.target, found[0]?.team ?? '')
      const streaming = await endStreams(new Set(found.map(({ session_id }) => session_id)))
      for (const { id, team } of streaming) if (!doneAt.has(id)) targets.set(id, team)
      const queue = [...targets]
      const worker = async (): Promise<void> => {
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) await stopSession(...next)
      }
      const pausing = tryTo('deployments', pauseDeployments, undefined)
      await Promise.all(Array.from({ length: atOnce }, worker))
      await pausing
      return targets.size
    },
  }
}

/** What the reader of a stream gets as its last event: of a session an error that ends nothing else, of a message its own. */
function lastWordsOf({ operationId }: OpenStream, stop: Stop, nowMs: number): string {
  const message = tellStop(stop)
  if (operationId.startsWith('messages.')) {
    return frame('error', { type: 'error', error: { type: 'permission_error', message } })
  }
  return frame('session.error', {
    type: 'session.error',
    id: `sevt_${stop.stop_id}`,
    processed_at: new Date(nowMs).toISOString(),
    error: { type: 'unknown_error', message, retry_status: { type: 'terminal' } },
  })
}

const frame = (event: string, data: object): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
