// The gateway's hold on its drain process: tells it what is durable, keeps its cursor, starts it again when it dies.
// The journal stays ours, so a process killed in the middle of a batch costs a repetition and nothing else.
import type { Clock } from '../kernel/clock.ts'
import type { ReportTrouble } from '../kernel/journal-extents.ts'
import { keepRunning } from '../kernel/keep-running.ts'
import type { Logger } from '../kernel/logger.ts'
import type { SegmentJournal } from '../kernel/segment-journal.ts'
import { within } from '../kernel/within.ts'
import type { ClickHouseConnection } from '../ledger/clickhouse.ts'
import type { Writer, WriterStatus } from '../ledger/writer.ts'
import type { DrainReport, DrainStart, OutboxStatus } from './drain-messages.ts'
import { launchDrain, type RunningDrain } from './launch-drain.ts'

export type DrainDeps = {
  readonly journal: SegmentJournal
  /** The journal's folder. */
  readonly dir: string
  readonly connection: ClickHouseConnection
  readonly cluster: string | null
  /** As the price book has it when not given. */
  readonly defaultInferenceGeo?: DrainStart['defaultInferenceGeo']
  readonly audit: DrainStart['audit']
  /** Nowhere when not given. */
  readonly traces?: DrainStart['traces']
  readonly clock: Clock
  readonly logger: Logger
  readonly logLevel: string
  /** Told of damage that reading found. */
  readonly report: ReportTrouble
}

export type Drain = Writer & {
  /** The process's id; undefined while it is down. */
  readonly pid: () => number | undefined
  /** Of the export of sessions; null without one, or before its first word. */
  readonly outbox: () => OutboxStatus | null
}

/** The drain gathers a second's worth before it writes, so it need not hear of every group of the journal. */
const noticeMs = 250

/** Starts the drain process and resolves when it drains. Close it before the journal and the ledger. */
export async function startDrain(deps: DrainDeps): Promise<Drain> {
  const { journal, clock, logger } = deps
  const flushes = new Map<number, (done: boolean) => void>()
  let flushId = 0
  let status: WriterStatus | null = null
  let behindSinceMs: number | null = journal.backlogBytes() > 0 ? clock.nowMs() : null
  let isDown = false
  let outbox: OutboxStatus | null = null
  let notice: NodeJS.Timeout | null = null

  const onReport = (report: Exclude<DrainReport, { kind: 'ready' }>): void => {
    switch (report.kind) {
      case 'commit':
        journal.commit(report.position).then(
          () => kept.current()?.send({ kind: 'committed', id: report.id, problem: null }),
          (error: unknown) =>
            kept.current()?.send({ kind: 'committed', id: report.id, problem: String(error) }),
        )
        return
      case 'flushed':
        flushes.get(report.id)?.(report.done)
        flushes.delete(report.id)
        return
      case 'status':
        status = report.status
        behindSinceMs = journal.backlogBytes() === 0 ? null : clock.nowMs() - report.status.lagAgeMs
        return
      case 'outbox':
        outbox = report.outbox
        return
      case 'damage':
        deps.report({ ...report, kind: 'damage_set_aside' })
    }
  }
  const tell = (running: RunningDrain | undefined = kept.current()): void => {
    running?.send({ kind: 'durable', durable: journal.durable() })
  }
  const launch = async (): Promise<RunningDrain> => {
    const running: RunningDrain = await launchDrain(startOrder(deps), onReport, async () => {
      await journal.settled()
      tell(running)
    })
    return running
  }
  const failFlushes = (): void => {
    for (const done of flushes.values()) done(false)
    flushes.clear()
  }
  const kept = keepRunning(await launch(), {
    launch,
    backoffMs: 200,
    onExit: (exit, waitMs) => {
      isDown = true
      failFlushes()
      logger.error({ ...exit, waitMs }, 'the process that writes the ledger ended; starting it again')
    },
    onRestart: () => {
      isDown = false
      // What became durable while it came up.
      tell()
    },
    onFailedStart: (error) =>
      logger.error({ err: error }, 'the process that writes the ledger did not start; trying again'),
  })
  tell()
  journal.onDurable(() => {
    behindSinceMs ??= clock.nowMs()
    notice ??= setTimeout(() => {
      notice = null
      tell()
    }, noticeMs)
  })

  const lagAgeMs = (): number => (behindSinceMs === null ? 0 : Math.max(0, clock.nowMs() - behindSinceMs))
  const isHealthy = (): boolean => !isDown && status?.healthy !== false

  const flush = async (): Promise<boolean> => {
    await journal.settled()
    const running = kept.current()
    if (running === undefined) return false
    tell(running)
    flushId += 1
    const id = flushId
    return new Promise((resolve) => {
      flushes.set(id, resolve)
      running.send({ kind: 'flush', id })
    })
  }

  return {
    pid: () => kept.current()?.pid,
    outbox: () => outbox,
    status: () => ({
      lagRecords: 0,
      records: 0,
      quarantined: 0,
      failures: 0,
      ...status,
      healthy: isHealthy(),
      lagBytes: journal.backlogBytes(),
      lagAgeMs: lagAgeMs(),
    }),
    lagAgeMs,
    flush: (timeoutMs) => within(flush(), timeoutMs),
    close: async () => {
      await kept.close()
      failFlushes()
      if (notice !== null) clearTimeout(notice)
    },
  }
}

function startOrder(deps: DrainDeps): DrainStart {
  const {
    journal,
    dir,
    connection,
    cluster,
    defaultInferenceGeo = null,
    audit,
    traces = null,
    logLevel,
  } = deps
  const { url, username = '', password, socketPath = null } = connection
  return {
    kind: 'start',
    dir,
    durable: journal.durable(),
    connection: { url, username, password: password?.reveal() ?? '', socketPath },
    cluster,
    defaultInferenceGeo,
    audit,
    traces,
    logLevel,
  }
}
