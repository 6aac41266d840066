// The stop button wired: orders and their lifting, the judgement of every request, sweeps, and what people see of them.
import { isAbout, isInForce, isRefused, nameTarget, type Stop } from './authorize/stops/stop.ts'
import {
  createInterruptSession,
  createPauseDeployment,
  createStopSession,
  type StopSessionDeps,
} from './forward/stop-session.ts'
import type { StoppedRequest } from './gateway/admit.ts'
import type { Clock } from './kernel/clock.ts'
import { type Denial, TollgateError } from './kernel/errors.ts'
import { newId } from './kernel/ids.ts'
import type { Journal } from './kernel/journal.ts'
import type { Logger } from './kernel/logger.ts'
import type { Ledger } from './ledger/port.ts'
import { readLiveSessions } from './ledger/queries/live-sessions.ts'
import { readSessionsOfKey } from './ledger/queries/stops.ts'
import type { PinFacts } from './pin/rule.ts'
import type { StopOrder, StopPlan, StopShown } from './show/stop-routes.ts'
import { createSessionDims, deploymentsOf, judgeStops } from './stop-judge.ts'
import { openStopStore } from './stop-store.ts'
import {
  createSweep,
  type Deployment,
  type StoppedSession,
  type SweepDeps,
  sessionsAbout,
} from './stop-sweep.ts'

export type StopsParts = Pick<SweepDeps, 'streams' | 'endStream'> &
  StopSessionDeps & {
    readonly dataDir: string
    readonly ledger: Ledger
    readonly journal: Pick<Journal, 'append'>
    readonly clock: Clock
    readonly logger: Logger
    readonly factsOf: (team: string) => Pick<PinFacts, 'session' | 'agentVersion'>
    /** Deployments of every account, or of one team's. Rejects when one cannot be asked. */
    readonly listDeployments: () => Promise<readonly { readonly team: string; readonly object: unknown }[]>
  }

export type OpenStops = {
  readonly stopped: (request: StoppedRequest) => Denial | null | Promise<Denial | null>
  /** For the admin listener. */
  readonly shown: {
    readonly order: (order: StopOrder, by: string) => Promise<StopShown>
    readonly plan: (order: StopOrder) => Promise<StopPlan>
    readonly list: () => readonly StopShown[]
    readonly lift: (id: string, by: string) => Promise<StopShown>
  }
  readonly close: () => Promise<void>
}

const shareMs = 1_000
const quickMs = 1_000
const slowMs = 15_000
/** Sweeps go on quickly so long, for what the ledger shows late. */
const settlingMs = 10_000
const liveSinceMs = 30 * 86_400_000
const liveMax = 50_000
/** How long an order waits for its first sweep before it answers. */
const answerMs = 5_000

/** Reads what was stopped before, and goes on with it. */
export function openStops(parts: StopsParts): OpenStops {
  const { ledger, clock, logger, journal } = parts
  const store = openStopStore(parts)
  type Running = ReturnType<typeof createSweep> & {
    lastMs: number
    isFinished: boolean
    going: Promise<number> | null
  }
  const running = new Map<string, Running>()

  const dimsOf = createSessionDims(parts.factsOf)
  const recordAct = (act: string, by: string, detail: object): Promise<void> => {
    const nowMs = clock.nowMs()
    const record = { kind: 'act', act_id: newId('act', nowMs), decided_at_ms: nowMs, act, by }
    return journal.append({ ...record, detail: JSON.stringify(detail) })
  }
  const recordInTime = (act: string, detail: object): void =>
    void recordAct(act, 'tollgate', detail).catch((err: unknown) =>
      logger.error({ err, act }, 'the journal did not take an act of a stop'),
    )
  const { route } = parts
  const deploymentsAbout = async (stop: Stop): Promise<readonly Deployment[]> =>
    stop.kind === 'session' || stop.kind === 'key' ? [] : deploymentsOf(await parts.listDeployments(), stop)
  const sweepDeps: SweepDeps = {
    ...parts,
    nowMs: clock.nowMs,
    liveSessions: () =>
      readLiveSessions(ledger, { sinceMs: clock.nowMs() - liveSinceMs, named: [], rowsMax: liveMax }),
    sessionsOfKey: (keyId) => readSessionsOfKey(ledger, keyId),
    deployments: deploymentsAbout,
    dimsOf,
    interrupt: createInterruptSession({ route }),
    archive: createStopSession({ route }),
    pause: createPauseDeployment({ route }),
    onStopped: ({ stop_id }, session) => recordInTime('stop.session', { stop_id, ...session }),
  }
  const sweepOnce = (stop: Stop): Promise<number> => {
    const each: Running = running.get(stop.stop_id) ?? {
      ...createSweep(sweepDeps, stop),
      lastMs: 0,
      isFinished: false,
      going: null,
    }
    running.set(stop.stop_id, each)
    each.going ??= each
      .sweep()
      .then((count) => {
        each.lastMs = clock.nowMs()
        const isOver = count === 0 && clock.nowMs() - stop.ordered_at_ms > settlingMs
        if (isOver && !each.isFinished) {
          each.isFinished = true
          recordInTime('stop.finished', {
            stop_id: stop.stop_id,
            ...sumOf([...each.progress().sessions.values()]),
            streams: each.progress().streams,
          })
        }
        return count
      })
      .finally(() => {
        each.going = null
      })
    return each.going
  }
  const sweepDue = (): void => {
    const nowMs = clock.nowMs()
    for (const stop of store.inForce(nowMs)) {
      const each = running.get(stop.stop_id)
      const pauseMs = each?.isFinished === true ? slowMs : quickMs
      if (each === undefined || nowMs - each.lastMs >= pauseMs) void sweepOnce(stop)
    }
    for (const id of running.keys()) {
      const stop = store.all().find(({ stop_id }) => stop_id === id)
      if (stop === undefined || !isInForce(stop, nowMs)) running.delete(id)
    }
  }
  let sharing: Promise<void> | null = null
  let failures = 0
  const tick = (): void => {
    sweepDue()
    sharing ??= store
      .share(clock.nowMs())
      .then(
        () => {
          failures = 0
        },
        (err: unknown) => {
          failures += 1
          if (failures === 10)
            logger.warn({ err }, 'stops are not shared with other gateways now; those known here hold')
        },
      )
      .finally(() => {
        sharing = null
      })
  }
  // What this gateway is made of is there by then.
  setImmediate(tick)
  const timer = setInterval(tick, shareMs)
  timer.unref()

  const show = (stop: Stop): StopShown => {
    const progress = running.get(stop.stop_id)?.progress()
    const sessions = [...(progress?.sessions.values() ?? [])]
    return {
      ...stop,
      what: nameTarget(stop),
      in_force: isInForce(stop, clock.nowMs()),
      ...sumOf(sessions),
      streams: progress?.streams ?? 0,
      deployments: progress?.deployments ?? [],
      not_stopped: sessions.filter(({ outcome }) => outcome === 'failed').map(({ session_id }) => session_id),
      problems: progress?.problems ?? [],
    }
  }
  const toStop = (order: StopOrder, by: string): Stop => {
    const nowMs = clock.nowMs()
    return {
      stop_id: newId('stop', nowMs),
      kind: order.kind,
      target: order.target,
      version: order.version,
      reason: order.reason,
      ordered_by: by,
      ordered_at_ms: nowMs,
      until_ms: order.for_ms === 0 ? 0 : nowMs + order.for_ms,
      archive: order.archive,
      ...{ lifted_by: '', lifted_at_ms: 0 },
    }
  }

  return {
    stopped: (request) => {
      const stops = store
        .inForce(clock.nowMs())
        .filter((stop) => isRefused(stop, request.operation, request.parsed))
      if (stops.length === 0) return null
      return judgeStops(stops, request, dimsOf, parts.factsOf)
    },
    shown: {
      order: async (order, by) => {
        const stop = toStop(order, by)
        const { stop_id, kind, target, version, reason, until_ms, archive } = stop
        // A stop must not fail for the want of a record: it is on this disk in any case, and in force from then on.
        await recordAct('stop.order', by, {
          stop_id,
          kind,
          target,
          version,
          reason,
          until_ms,
          archive,
        }).catch((err: unknown) =>
          logger.error(
            { err, stop_id },
            'the journal did not take the order of a stop; it holds all the same',
          ),
        )
        await store.put(stop)
        logger.warn({ stop_id, kind, target, by }, 'a stop was ordered')
        void store.share(clock.nowMs()).catch(() => undefined)
        await Promise.race([sweepOnce(stop), delay(answerMs)])
        return show(stop)
      },
      plan: async (order) => {
        const stop = toStop(order, '')
        const live = await sessionsAbout(sweepDeps, stop)
        const about = new Set(live.map(({ session_id }) => session_id))
        const deployments = await deploymentsAbout(stop)
        const streams = parts.streams().filter(({ caller, params }) => {
          const session = params['session_id'] ?? ''
          const own = {
            session,
            agent: '',
            version: null,
            teams: [caller.team],
            callers: [caller.id],
            key: caller.keyId,
            deployment: '',
          }
          return about.has(session) || isAbout(stop, own)
        })
        return {
          what: nameTarget(stop),
          sessions: live.map((each) => ({
            session_id: each.session_id,
            team: each.team,
            caller: each.caller,
            agent_id: each.agent_id,
            at_work: each.is_at_work,
            spent_cents: String(each.spent_cents),
          })),
          streams: streams.length,
          callers: [...new Set(live.map(({ caller }) => caller))].toSorted(),
          deployments: deployments.filter(({ isPaused }) => !isPaused).map(({ id }) => id),
        }
      },
      list: () => store.all().map(show).toReversed(),
      lift: async (id, by) => {
        const stop = store.all().find(({ stop_id }) => stop_id === id)
        if (stop === undefined)
          throw new TollgateError('show.not_found', `there is no stop \`${id.slice(0, 64)}\``)
        if (stop.lifted_at_ms !== 0) return show(stop)
        await recordAct('stop.lift', by, { stop_id: id })
        const lifted = { ...stop, lifted_by: by, lifted_at_ms: clock.nowMs() }
        await store.put(lifted)
        void store.share(clock.nowMs()).catch(() => undefined)
        logger.warn({ stop_id: id, by }, 'a stop was lifted')
        return show(lifted)
      },
    },
    close: async () => {
      clearInterval(timer)
      await Promise.race([
        Promise.allSettled([sharing, ...[...running.values()].map(({ going }) => going)]),
        delay(answerMs),
      ])
    },
  }
}

/** How many, and how long it took them: the median and the slowest hundredth. */
function sumOf(sessions: readonly StoppedSession[]) {
  const times = sessions
    .filter(({ outcome }) => outcome !== 'failed')
    .map(({ ms }) => ms)
    .toSorted((a, b) => a - b)
  const at = (share: number): number | null =>
    times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)] ?? null
  return { sessions: times.length, failed: sessions.length - times.length, p50_ms: at(0.5), p99_ms: at(0.99) }
}

const delay = (ms: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(resolve, ms, undefined).unref())
