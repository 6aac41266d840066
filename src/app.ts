// The composition root: every room gets here what it needs of the others. No decision is taken in this file.
import { createAuthorize, createAuthorizeAdmin } from './authorize/authorize.ts'
import type { Config, Listen } from './config.ts'
import { createForward } from './forward/forward.ts'
import { createPools } from './forward/pools.ts'
import { type GatewayDeps, registerGateway } from './gateway/gateway.ts'
import { createMethodLookup } from './gateway/known-path.ts'
import { createGatewayServer } from './gateway/server.ts'
import { createSettlement } from './gateway/settlement.ts'
import { createIdentify, createRecheck } from './identify/identify.ts'
import type { Clock } from './kernel/clock.ts'
import type { Journal } from './kernel/journal.ts'
import type { Logger } from './kernel/logger.ts'
import type { Secret } from './kernel/secret.ts'
import type { Ledger } from './ledger/port.ts'
import type { Writer } from './ledger/writer.ts'
import { createPin } from './pin/pin.ts'
import type { PolicyStore } from './policies.ts'
import type { Book } from './price/book.ts'
import { loadUsageReport } from './price/usage-report.ts'
import { buildShow } from './show/show.ts'
import { createTap } from './tap/tap.ts'
import type { Metrics } from './trace/metrics.ts'
import type { Tracing } from './trace/tracing-type.ts'
import { readJsonBody } from './upstream/body.ts'
import { operations } from './upstream/operations.ts'
import { canonicalPath } from './upstream/path.ts'

/** What `main.ts` makes of the configuration, and tests make for themselves. */
export type AppParts = {
  readonly config: Pick<Config, 'gateway' | 'show' | 'journal'>
  readonly clock: Clock
  readonly logger: Logger
  readonly policies: PolicyStore
  readonly pepper: Secret
  readonly journal: Journal
  readonly ledger: Ledger
  readonly writer: Writer
  readonly book: Book
  readonly tracing: Tracing
  readonly metrics: Metrics
  readonly upstream: { readonly url: URL; readonly credential: Secret; readonly caPem: string | null }
}

export type App = {
  readonly gatewayUrl: string
  readonly adminUrl: string
  /** Refuses new requests, ends open streams, lets short calls finish within the grace, closes both listeners. */
  readonly close: () => Promise<void>
}

/** Wires the house and listens on both addresses. Rejects when one of them cannot be had. */
export async function startApp(parts: AppParts): Promise<App> {
  const { config, clock, logger, policies, metrics } = parts
  const recheck = createRecheck({ directory: () => policies.current().directory, clock })
  const identify = createIdentify({
    directory: () => policies.current().directory,
    pepper: parts.pepper,
    clock,
  })
  const snapshot = () => policies.current().snapshot
  const pools = createPools({
    url: parts.upstream.url,
    ...(parts.upstream.caPem === null ? {} : { caPem: parts.upstream.caPem }),
  })
  const route = { pools, authorization: `Bearer ${parts.upstream.credential.reveal()}` }
  let isClosing = false
  const settlement = createSettlement({ journal: parts.journal, metrics, logger, ...config.journal })
  const deps: GatewayDeps = {
    operations,
    clock,
    canonicalPath,
    methodsAt: createMethodLookup(operations),
    readJsonBody,
    identify,
    stamp: () => null,
    recheck,
    editAnswer: () => null,
    tokenEndpoint: null,
    pin: createPin({ pins: () => policies.current().pins }),
    authorize: createAuthorize({ snapshot }),
    journalAccepts: settlement.journalAccepts,
    isClosing: () => isClosing,
    startSpan: parts.tracing.startRequestSpan,
    forward: createForward({ route: () => route }),
    createTap: (tapped) =>
      createTap({ clock, onSightings: settlement.keepSightings, onFailure: metrics.tapFailed }, tapped),
    onOpened: settlement.opened,
    onSettled: settlement.settled,
  }
  const server = createGatewayServer({
    bodyLimitBytes: config.gateway.bodyLimitBytes,
    onMalformed: () => metrics.countRefusal('arrive.request_malformed'),
  })
  const gateway = registerGateway(server, deps)
  const show = buildShow({
    clock,
    identify,
    authorizeAdmin: createAuthorizeAdmin({ snapshot }),
    loadUsageReport: (query) => loadUsageReport({ ledger: parts.ledger, book: parts.book }, query),
    metrics,
    readiness: readinessOf(parts, () => isClosing),
    onRefused: ({ requestId, code, cause }) => {
      metrics.countRefusal(code)
      logger.warn(
        { request_id: requestId, code, ...(cause === undefined ? {} : { err: cause }) },
        'admin request refused',
      )
    },
  })
  // A revoked key or an ended token stops its open streams within a second, too.
  const watchCallers = setInterval(gateway.withdraw, 500)
  watchCallers.unref()
  const gatewayUrl = await listen(server, config.gateway.listen)
  try {
    const adminUrl = await listen(show, config.show.listen)
    return {
      gatewayUrl,
      adminUrl,
      close: async () => {
        isClosing = true
        clearInterval(watchCallers)
        gateway.endStreams()
        const cut = setTimeout(gateway.cutAll, config.gateway.shutdownGraceMs)
        await Promise.all([server.close(), show.close()])
        clearTimeout(cut)
        await pools.close()
      },
    }
  } catch (error) {
    await server.close()
    throw error
  }
}

async function listen(server: { listen: (at: Listen) => Promise<string> }, at: Listen): Promise<string> {
  return server.listen({ host: at.host, port: at.port })
}

function readinessOf(parts: AppParts, isClosing: () => boolean) {
  return [
    { name: 'gateway', check: () => (isClosing() ? 'shutting down' : null) },
    { name: 'policies', check: () => parts.policies.problem() },
    {
      name: 'journal',
      check: () =>
        parts.journal.backlogBytes() < parts.config.journal.backlogBytesMax / 2
          ? null
          : 'more than half full',
    },
    {
      name: 'ledger',
      check: async () =>
        (await parts.ledger.ping())
          ? parts.writer.status().healthy
            ? null
            : 'takes no batches; they wait in the journal'
          : 'not reachable',
    },
  ]
}
