// The process: makes the real parts, starts the house, says where it is, and takes it down in order.

import { join } from 'node:path'
import { type AppParts, startApp } from './app.ts'
import { renderBanner } from './banner.ts'
import type { Config, UpstreamConfig } from './config.ts'
import { type Drain, startDrain } from './drain/drain.ts'
import { type FirstRun, prepareFirstRun } from './first-run.ts'
import { loadOrCreateSigningKey } from './identify/tokens/signing-key.ts'
import { systemClock } from './kernel/clock.ts'
import type { Journal } from './kernel/journal.ts'
import { createLogger, type Logger } from './kernel/logger.ts'
import { Secret } from './kernel/secret.ts'
import { type JournalTrouble, openJournal } from './kernel/segment-journal.ts'
import type { Writer } from './ledger/writer.ts'
import { type OpenedLedger, openLedger } from './open-ledger.ts'
import { openPolicyStore, type PolicyStore } from './policies.ts'
import { createPolicyReports } from './policy-reports.ts'
import { inWorkspace, loadBook } from './price/book.ts'
import { readSessionExport } from './read-session-export.ts'
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
  const asked: { reload: () => unknown } = { reload: () => {} }
  // Without a listener it would end the process, in the middle of a start too.
  process.on('SIGHUP', () => void asked.reload())
  const house = await openHouse(config, output, createLogger(config.logLevel))
  asked.reload = house.policies.reload
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
    const signingKey = loadOrCreateSigningKey(join(config.dataDir, 'token-key.pem'))
    const policyReports = createPolicyReports(logger, clock)
    const knownUpstreams = new Set(upstreamNames(config.upstream))
    const policies = await openPolicyStore({ folder: config.policiesDir, knownUpstreams, ...policyReports })
    closers.push(policies.close)
    const book = inWorkspace(loadBook(), config.defaultInferenceGeo)
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
      policiesInvalid: () => ({
        live: policies.problem() !== null,
        candidate: policies.candidateProblem() !== null,
      }),
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
    policyReports.attach({ journal, metrics })
    closers.push(() => journal.close())
    const writer = await startDrain({
      journal,
      dir: journalDir,
      connection: opened.connection,
      cluster: opened.cluster,
      defaultInferenceGeo: config.defaultInferenceGeo,
      audit: { dir: join(config.dataDir, 'audit'), ...config.audit },
      traces: readSessionExport(config, logger),
      clock,
      logger,
      logLevel: config.logLevel,
      report,
    })
    watched.writer = writer
    metrics.outboxAttached(writer.outbox)
    closers.push(() => writer.close())
    const tracing = await createTracing({
      env: config.trace.otelEnv,
      serviceVersion: tollgateVersion,
      logger,
      onExported: metrics.spansExported,
    })
    closers.push(() => tracing.shutdown())
    const { upstreams, provider, description, close: closeUpstreams } = await openUpstreams(config)
    closers.push(closeUpstreams)
    const parts: AppParts = {
      config,
      clock,
      logger,
      policies,
      pepper,
      signingKey,
      journal,
      ledger: opened.ledger,
      writer,
      book,
      tracing,
      metrics,
      upstreams,
      provider,
    }
    const app = await startApp(parts)
    closers.push(app.close)
    output.write(
      renderBanner({
        gatewayUrl: app.gatewayUrl,
        adminUrl: app.adminUrl,
        upstream: description,
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

type Upstreams = Pick<AppParts, 'upstreams' | 'provider'> & {
  readonly description: string
  readonly close: () => Promise<void>
}

/** What teams may be bound to. The only one, without a name of its own, is `default`. */
const upstreamNames = (config: UpstreamConfig): readonly string[] =>
  config.kind === 'several' ? config.upstreams.map(({ name }) => name) : ['default']

async function openUpstreams({ upstream: config, providerAdminKey }: Config): Promise<Upstreams> {
  if (config.kind === 'simulator') {
    const simulator = await startSimulator()
    const url = new URL(simulator.url)
    return {
      upstreams: [{ name: 'default', url, credential: new Secret(simulator.apiKey), caPem: null }],
      // The simulator is its own organisation, and its admin key no secret.
      provider: { url, adminKey: providerAdminKey ?? new Secret(simulator.adminKey), caPem: null },
      description: `the built-in simulator at ${simulator.url} (no ANTHROPIC_API_KEY is set; nothing leaves this machine)`,
      close: () => simulator.close(),
    }
  }
  const first = config.kind === 'several' ? config.upstreams[0] : config
  const several = config.kind === 'several' ? config.upstreams : [{ name: 'default', ...config }]
  return {
    upstreams: several.map(({ name, url, key, caPem }) => ({
      name,
      url: new URL(url),
      credential: key,
      caPem,
    })),
    // All accounts are one organisation's, which has one admin key.
    provider:
      first === undefined || providerAdminKey === null
        ? null
        : { url: new URL(first.url), adminKey: providerAdminKey, caPem: first.caPem },
    description:
      config.kind === 'http'
        ? config.url
        : several.map(({ name, url }, at) => `${name} ${url}${at === 0 ? ' (default)' : ''}`).join(', '),
    close: async () => {},
  }
}
