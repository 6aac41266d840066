// The process: makes the real parts, starts the house, says where it is, and takes it down in order.

import { join } from 'node:path'
import { type AppParts, startApp } from './app.ts'
import { renderBanner } from './banner.ts'
import type { Config, UpstreamConfig } from './config.ts'
import { type Drain, startDrain } from './drain/drain.ts'
import { type FirstRun, prepareFirstRun } from './first-run.ts'
import { systemClock } from './kernel/clock.ts'
import type { Journal } from './kernel/journal.ts'
import { createLogger, type Logger } from './kernel/logger.ts'
import { Secret } from './kernel/secret.ts'
import { type JournalTrouble, openJournal } from './kernel/segment-journal.ts'
import type { Writer } from './ledger/writer.ts'
import { type OpenedLedger, openLedger } from './open-ledger.ts'
import { openPolicyStore, type PolicyStore } from './policies.ts'
import { loadBook } from './price/book.ts'
import { startSimulator } from './simulator/simulator.ts'
import { explainStartError } from './start-error.ts'
import { createMetrics } from './trace/metrics.ts'
import { createTracing } from './trace/tracing.ts'
import { tollgateVersion } from './version.ts'

/** Where the running gateway writes for people; the log goes to standard error. */
export type Output = { readonly write: (text: string) => void }

/** A house that runs in this process. */
export type House = {
  readonly gatewayUrl: string
  readonly adminUrl: string
  readonly firstKey: Secret | undefined
  readonly writer: Drain
  readonly ledger: OpenedLedger['ledger']
  readonly policies: PolicyStore
  /** Ends open streams, flushes the journal, closes everything. Idempotent. */
  readonly close: () => Promise<void>
}

/** Runs the gateway until SIGINT or SIGTERM. Rejects when it cannot start, with a reason for people. */
export async function runGateway(config: Config, output: Output): Promise<void> {
  // Heard from the first moment on: a start that is asked to stop is finished first, so that its key is shown.
  const stopped = new Promise<void>((resolve) => {
    // `on`, not `once`: npm may pass on a signal that the terminal has sent already, and a second one must not cut the flush.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })
  const house = await openHouse(config, output, createLogger(config.logLevel))
  await stopped
  output.write('\ntollgate: stopping\n')
  await house.close()
  output.write('tollgate: stopped\n')
}

/** Creates or updates the ledger's tables and returns the names of the migrations that were applied. */
export async function migrateLedger(config: Config): Promise<readonly string[]> {
  const opened = await openLedger(config, createLogger('warn'))
  try {
    return await opened.migrate()
  } finally {
    await opened.close()
  }
}

/** Opens every part in the order of their dependence; what was opened is closed again when a later one fails. */
export async function openHouse(config: Config, output: Output, logger: Logger): Promise<House> {
  const closers: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer()
  }
  let firstRun: FirstRun | undefined
  try {
    const clock = systemClock
    firstRun = prepareFirstRun(config.dataDir, config.policiesDir, clock.nowMs())
    const { pepper, firstKey } = firstRun
    const policies = await openPolicies(config, logger)
    closers.push(policies.close)
    const book = loadBook()
    const opened = await openLedger(config, logger)
    closers.push(opened.close)
    // A server that is away is no reason not to serve: the writer migrates when it comes, the journal keeps until then.
    if (await opened.ledger.ping()) await opened.migrate()
    else logger.warn({ ledger: opened.description }, 'clickhouse does not answer; serving without it')
    // The journal counts its troubles from its first moment, so the metrics come before what they watch.
    const watched: { journal?: Journal; writer?: Writer } = {}
    const metrics = createMetrics({
      serviceVersion: tollgateVersion,
      journalBacklogBytes: () => watched.journal?.backlogBytes() ?? 0,
      writerLagMs: () => watched.writer?.lagAgeMs() ?? 0,
    })
    closers.push(metrics.close)
    const journalDir = join(config.dataDir, 'journal')
    const report = (trouble: JournalTrouble): void => {
      logger.error({ ...trouble }, 'journal trouble')
      metrics.journalTroubled(trouble.kind)
    }
    const journal = await openJournal({
      dir: journalDir,
      backlogBytesMax: config.journal.backlogBytesMax,
      // Nobody waits for these records, and one fsync for 20 ms of them costs next to nothing for each.
      groupDelayMs: 20,
      report,
    })
    watched.journal = journal
    closers.push(() => journal.close())
    const writer = await startDrain({
      journal,
      dir: journalDir,
      connection: opened.connection,
      cluster: opened.cluster,
      clock,
      logger,
      logLevel: config.logLevel,
      report,
    })
    watched.writer = writer
    closers.push(() => writer.close())
    const tracing = await createTracing({
      env: config.trace.otelEnv,
      serviceVersion: tollgateVersion,
      logger,
      onExported: metrics.spansExported,
    })
    closers.push(() => tracing.shutdown())
    const upstream = await openUpstream(config.upstream)
    closers.push(upstream.close)
    const parts: AppParts = {
      config,
      clock,
      logger,
      policies,
      pepper,
      journal,
      ledger: opened.ledger,
      writer,
      book,
      tracing,
      metrics,
      upstream,
    }
    const app = await startApp(parts)
    closers.push(app.close)
    output.write(
      renderBanner({
        gatewayUrl: app.gatewayUrl,
        adminUrl: app.adminUrl,
        upstream: upstream.description,
        ledger: opened.description,
        policiesDir: config.policiesDir,
        firstKey,
      }),
    )
    return {
      gatewayUrl: app.gatewayUrl,
      adminUrl: app.adminUrl,
      firstKey: firstKey?.key,
      writer,
      ledger: opened.ledger,
      policies,
      close,
    }
  } catch (error) {
    await close()
    firstRun?.undo()
    throw explainStartError(error, config)
  }
}

function openPolicies(config: Config, logger: Logger): Promise<PolicyStore> {
  return openPolicyStore({
    folder: config.policiesDir,
    onReload: ({ snapshot }) => logger.info({ policy_hash: snapshot.hash }, 'policies reloaded'),
    onProblem: (problem) =>
      logger.error({ problem }, 'policies not reloaded; the last good ones stay in force'),
  })
}

type Upstream = AppParts['upstream'] & { readonly description: string; readonly close: () => Promise<void> }

async function openUpstream(config: UpstreamConfig): Promise<Upstream> {
  if (config.kind === 'http') {
    const url = new URL(config.url)
    return {
      url,
      credential: config.key,
      caPem: config.caPem,
      description: config.url,
      close: async () => {},
    }
  }
  const simulator = await startSimulator()
  return {
    url: new URL(simulator.url),
    credential: new Secret(simulator.apiKey),
    caPem: null,
    description: `the built-in simulator at ${simulator.url} (no ANTHROPIC_API_KEY is set; nothing leaves this machine)`,
    close: () => simulator.close(),
  }
}
