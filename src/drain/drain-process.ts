// The drain process: the writer with its meter and price book, beside the gateway instead of in its event loop. Started
// by `drain.ts` and by nobody else; takes its orders over the fork's channel and ends when that channel does.
import { setPriority } from 'node:os'
import { systemClock } from '../kernel/clock.ts'
import type { JournalPosition } from '../kernel/journal.ts'
import { createLogger } from '../kernel/logger.ts'
import { Secret } from '../kernel/secret.ts'
import { within } from '../kernel/within.ts'
import { createClickHouseLedger } from '../ledger/clickhouse.ts'
import { migrate } from '../ledger/migrate.ts'
import { createWriter } from '../ledger/writer.ts'
import { createProjector } from '../meter/projector.ts'
import { inWorkspace, loadBook } from '../price/book.ts'
import { chargeColumns, createPricer } from '../price/price.ts'
import { rateStated } from '../price/rates.ts'
import { openAuditWriter } from './audit-writer.ts'
import { type DrainReport, type DrainStart, drainOrderSchema } from './drain-messages.ts'
import type { SessionExport } from './export-sessions.ts'
import { followJournal } from './followed-journal.ts'

// A terminal's Ctrl-C reaches the whole process group; the gateway then still has records to write, and says itself
// when we may go.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// Nothing here is lost by ending: what is not committed is read again.
process.on('disconnect', () => process.exit(0))
// Where cores are few, answers come first.
setPriority(10)

/** What no checkpoint has yet is signed before we go, unless the ledger is away: then the next start does it. */
const lastCheckpointTimeoutMs = 1_500

/** What cannot be sent by then waits in the outbox for the next start. */
const lastExportTimeoutMs = 2_000

type Drain = Awaited<ReturnType<typeof open>>
type Commit = { readonly resolve: () => void; readonly reject: (error: Error) => void }

let drain: Drain | undefined
let commitId = 0
const commits = new Map<number, Commit>()

process.on('message', (message) => {
  const order = drainOrderSchema.parse(message)
  if (order.kind === 'start') {
    void open(order).then((opened) => {
      drain = opened
      report({ kind: 'ready' })
    })
    return
  }
  if (drain === undefined) return
  const { journal, writer, ledger, audit, sessions } = drain
  switch (order.kind) {
    case 'durable':
      journal.extend(order.durable)
      return
    case 'committed':
      settleCommit(order.id, order.problem)
      return
    case 'flush':
      void writer.flush().then((done) => report({ kind: 'flushed', id: order.id, done }))
      return
    case 'stop':
      void writer
        .close(order.timeoutMs)
        .then(() => sessions?.close(lastExportTimeoutMs))
        .then(() =>
          within(
            audit.close().then(() => true),
            lastCheckpointTimeoutMs,
          ),
        )
        .then(() => ledger.close())
        .finally(() => process.disconnect())
  }
})

async function open(start: DrainStart) {
  const { dir, durable, connection, cluster, defaultInferenceGeo, audit: auditing, logLevel } = start
  const logger = createLogger(logLevel)
  const { url, username, password, socketPath } = connection
  const ledger = createClickHouseLedger({
    url,
    username,
    password: new Secret(password),
    ...(socketPath === null ? {} : { socketPath }),
  })
  const journal = followJournal({
    dir,
    durable,
    commit: askToCommit,
    report: (trouble) => {
      if (trouble.kind === 'damage_set_aside') report({ ...trouble, kind: 'damage' })
    },
  })
  const audit = openAuditWriter({ ...auditing, ledger, logger })
  const book = inWorkspace(loadBook(), defaultInferenceGeo)
  const price = createPricer(book)
  const sessions: SessionExport | null = await openExport(start, ledger, logger)
  const writer = createWriter({
    journal,
    ledger,
    prepare: () => migrate(ledger, cluster === null ? {} : { cluster }),
    projector: createProjector({
      price: (fact) => chargeColumns(price(fact)),
      rateStated: (used) => rateStated(book, used),
    }),
    keepEntries: async (batch) => {
      await audit.take(batch)
      sessions?.note(batch)
    },
    clock: systemClock,
    logger,
    onStatus: (status) => {
      report({ kind: 'status', status })
      if (status.healthy) sessions?.settled()
    },
  })
  return { journal, writer, ledger, audit, sessions }
}

/** OpenTelemetry's serialisers are loaded only where somebody asked for an export. */
async function openExport(
  { traces }: DrainStart,
  ledger: ReturnType<typeof createClickHouseLedger>,
  logger: ReturnType<typeof createLogger>,
): Promise<SessionExport | null> {
  if (traces === null) return null
  try {
    const { exportSessions } = await import('./export-sessions.ts')
    return exportSessions(traces, {
      ledger,
      clock: systemClock,
      logger,
      onStatus: (outbox) => report({ kind: 'outbox', outbox }),
    })
  } catch (err) {
    // What cannot be told to others is no reason to write nothing down.
    logger.error({ err, dir: traces.dir }, 'sessions are not exported: the outbox cannot be opened')
    return null
  }
}

function askToCommit(position: JournalPosition): Promise<void> {
  commitId += 1
  const id = commitId
  return new Promise((resolve, reject) => {
    commits.set(id, { resolve, reject })
    report({ kind: 'commit', id, position })
  })
}

function settleCommit(id: number, problem: string | null): void {
  const commit = commits.get(id)
  commits.delete(id)
  if (problem === null) commit?.resolve()
  else commit?.reject(new Error(problem))
}

function report(message: DrainReport): void {
  // A gateway that is gone has closed the channel, which ends us.
  process.send?.(message, () => undefined)
}
