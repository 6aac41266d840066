// The composition root: every room gets here what it needs of the others. No decision is taken in this file.

import { createOwnership } from './authorize/ownership/ownership.ts'
import { createBudgetWebhook } from './budget-webhook.ts'
import type { Config, Listen } from './config.ts'
import type { Drain } from './drain/drain.ts'
import { createAnswerEdits, createRedirectAnswers } from './forward/answer-edits.ts'
import { createFollowUpstream } from './forward/follow-upstream.ts'
import { createForward } from './forward/forward.ts'
import { createPools } from './forward/pools.ts'
import { createReadUpstream } from './forward/read-upstream.ts'
import { createRoutes } from './forward/route.ts'
import { createInterruptSession } from './forward/stop-session.ts'
import { type GatewayDeps, registerGateway } from './gateway/gateway.ts'
import { createMethodLookup } from './gateway/known-path.ts'
import { createGatewayServer } from './gateway/server.ts'
import { createSettlement } from './gateway/settlement.ts'
import { createReadPeerCertificate } from './identify/certificates/peer-certificate.ts'
import type { SigningKey } from './identify/tokens/signing-key.ts'
import type { Clock } from './kernel/clock.ts'
import type { Journal } from './kernel/journal.ts'
import type { Logger } from './kernel/logger.ts'
import type { Secret } from './kernel/secret.ts'
import type { Ledger } from './ledger/port.ts'
import { queryObjectOwners } from './ledger/queries/object-owners.ts'
import { readWatchedSessions } from './ledger/queries/watched-sessions.ts'
import type { Writer } from './ledger/writer.ts'
import { createListDeployments } from './list-deployments.ts'
import { openBudgets } from './open-budgets.ts'
import { openEventReading } from './open-event-reading.ts'
import { openIdentity } from './open-identity.ts'
import { openJudgement } from './open-judgement.ts'
import { openPinning } from './open-pinning.ts'
import { openReconcile, type ReconcileParts } from './open-reconcile.ts'
import { openShow } from './open-show.ts'
import { openStops } from './open-stops.ts'
import { openTls } from './open-tls.ts'
import { openVerification } from './open-verification.ts'
import { createPin } from './pin/pin.ts'
import { allRules } from './pin/rules/all-rules.ts'
import type { PolicyStore } from './policies.ts'
import type { Book } from './price/book.ts'
import { readinessOf } from './readiness-checks.ts'
import { createEventStreamTap } from './tap/event-stream-tap.ts'
import type { Sighting } from './tap/sighting.ts'
import type { Metrics } from './trace/metrics.ts'
import type { Tracing } from './trace/tracing-type.ts'
import { readJsonBody } from './upstream/body.ts'
import { operations } from './upstream/operations.ts'
import { ownedKindOf } from './upstream/owned-kinds.ts'
import { canonicalPath } from './upstream/path.ts'
import { inspectRequest } from './upstream/unknowns.ts'
import { openWatch } from './watch/open-watch.ts'

/** What `main.ts` makes of the configuration, and tests make for themselves. */
export type AppParts = {
  readonly config: Pick<
    Config,
    'gateway' | 'show' | 'journal' | 'policiesDir' | 'dataDir' | 'watch' | 'ledger' | 'budgets' | 'trace'
  >
  readonly clock: Clock
  readonly logger: Logger
  readonly policies: PolicyStore
  readonly pepper: Secret
  readonly signingKey: SigningKey
  readonly journal: Journal
  readonly ledger: Ledger
  readonly writer: Writer & Partial<Pick<Drain, 'outbox'>>
  readonly book: Book
  readonly tracing: Tracing
  readonly metrics: Metrics
  /** The first serves every team that names none. */
  readonly upstreams: readonly Upstream[]
  /** Where the organisation's own account is asked for, and with which key; null without one. */
  readonly provider: ReconcileParts['provider']
}

export type Upstream = {
  readonly name: string
  readonly url: URL
  readonly credential: Secret
  readonly caPem: string | null
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
  const directory = () => policies.current().directory
  const identity = openIdentity({ ...parts, ...config, ...config.gateway, directory })
  const snapshot = () => policies.current().snapshot
  const upstreams = parts.upstreams.map(({ name, url, credential, caPem }) => ({
    name,
    credential,
    pools: createPools({ url, ...(caPem === null ? {} : { caPem }) }),
  }))
  const upstreamOf = (team: string): string | null => directory().teams.get(team)?.upstream ?? null
  const routes = createRoutes({ upstreams, upstreamOf })
  let isClosing = false
  const onMalformed = (): void => metrics.countRefusal('arrive.request_malformed')
  const tls = await openTls(config.gateway.tls, { clock, logger, onFailedHandshake: onMalformed })
  const settlement = createSettlement({ journal: parts.journal, metrics, logger, ...config.journal })
  const readUpstream = createReadUpstream({ route: routes.ofTeam })
  const ownership = createOwnership({
    readUpstream,
    readOwners: (kind, ids) => queryObjectOwners(parts.ledger, kind, ids),
    snapshot,
    unownedTo: () => policies.current().directory.unownedTo,
    stamping: config.gateway.stamping,
  })
  const reading = openEventReading({ ...config, ...config.gateway })
  const watch = openWatch({
    ...parts,
    dataDir: config.dataDir,
    isLedgerShared: config.ledger.kind === 'server',
    settings: config.watch === null ? null : { ...config.watch, events: config.gateway.events },
    upstreams: upstreams.map((upstream) => ({ name: upstream.name, follow: createFollowUpstream(upstream) })),
    upstreamOf,
    answerReaders: reading.readers,
    createEventStreamTap,
    isRead: reading.isRead,
    readWatchedSessions,
  })
  const keepSightings = (sightings: readonly Sighting[]): void => {
    for (const sighting of sightings) learnOwner(ownership.learn, sighting)
    settlement.keepSightings(sightings)
    watch.note(sightings)
  }
  const pinning = openPinning({
    pins: () => policies.current().pins,
    ledger: parts.ledger,
    clock,
    logger,
    metrics,
    readUpstream,
    accountOf: routes.ofTeam,
    ownerTeam: ownership.teamOf,
  })
  const verification = openVerification({
    pins: () => policies.current().pins,
    factsOf: pinning.factsOf,
    route: routes.ofTeam,
    keep: settlement.keepVerification,
    logger,
    metrics,
    clock,
  })
  const webhook = createBudgetWebhook(config.budgets.webhook, parts)
  const budgets = openBudgets({
    ...parts,
    refreshMs: config.budgets.refreshMs,
    isLedgerShared: config.ledger.kind === 'server',
    isWatching: config.watch !== null,
    agentVersion: (team, id, version) => pinning.factsOf(team).agentVersion(id, version),
    interrupt: createInterruptSession({ route: routes.ofTeam }),
    tell: webhook.tell,
  })
  const stops = openStops({
    ...parts,
    dataDir: config.dataDir,
    route: routes.ofTeam,
    factsOf: pinning.factsOf,
    listDeployments: createListDeployments({ readUpstream, teams: () => directory().teams }),
    streams: () => gateway.streams(),
    endStream: (id, why, lastWords) => gateway.endStream(id, why, lastWords),
  })
  const reconciliation = openReconcile(parts)
  const deps: GatewayDeps = {
    operations,
    clock,
    canonicalPath,
    methodsAt: createMethodLookup(operations),
    readJsonBody,
    identify: identity.identifyCaller,
    readPeerCertificate: createReadPeerCertificate(tls.authorities),
    stamp: ownership.stamp,
    stopped: stops.stopped,
    fund: budgets.fund,
    writeLimit: budgets.writeLimit,
    recheck: identity.recheck,
    // First what the caller may see of it, then where it leads.
    editAnswer: createAnswerEdits([
      ownership.editAnswer,
      createRedirectAnswers({ origins: originsOf(parts), publicUrl: config.gateway.publicUrl }),
    ]),
    tokenEndpoint: identity.tokenEndpoint,
    pin: createPin({
      pins: () => policies.current().pins,
      rules: allRules,
      nowMs: clock.nowMs,
      factsOf: pinning.factsOf,
      isHeld: pinning.isHeld,
    }),
    authorize: openJudgement({ policies, ownership, readUpstream, upstreamOf, metrics }),
    inspect: ({ id }, headers, parsed) =>
      inspectRequest(id, headers, parsed, (kind) => metrics.unknownPassed('request', kind)),
    journalAccepts: settlement.journalAccepts,
    isClosing: () => isClosing,
    startSpan: parts.tracing.startRequestSpan,
    forward: createForward({ route: routes.ofRequest, ...config.gateway }),
    createTap: (tapped) =>
      watch.attend(
        tapped,
        verification.tapWith(
          {
            clock,
            onSightings: keepSightings,
            onFailure: metrics.tapFailed,
            onUnknown: (kind) => metrics.unknownPassed('answer', kind),
            ...reading,
          },
          tapped,
        ),
      ),
    beforeForward: watch.beforeForward,
    onOpened: settlement.opened,
    onSettled: (record, facts) => {
      settlement.settled(record, facts)
      budgets.settled(record)
      watch.settled(record)
    },
  }
  const server = createGatewayServer({
    bodyLimitBytes: config.gateway.bodyLimitBytes,
    onMalformed,
    ...(tls.listener === undefined ? {} : { tls: tls.listener }),
  })
  const gateway = registerGateway(server, deps)
  const show = await openShow({
    ...parts,
    identifyOperator: identity.identifyOperator,
    snapshot,
    pinning: pinning.shown,
    loadBudgets: budgets.rows,
    stops: stops.shown,
    upstreams,
    reconcile: reconciliation.reconcile,
    wake: watch.wakeAt,
    readiness: [...readinessOf(parts, tls, () => isClosing), ...watch.readiness, ...budgets.readiness],
  })
  // A revoked key or an ended token stops its open streams within a second, too.
  const watchCallers = setInterval(gateway.withdraw, 500)
  watchCallers.unref()
  const gatewayUrl = tls.addressOf(await listen(server, config.gateway.listen))
  try {
    const adminUrl = await listen(show, config.show.listen)
    return {
      gatewayUrl,
      adminUrl,
      close: async () => {
        isClosing = true
        clearInterval(watchCallers)
        tls.close()
        gateway.endStreams()
        webhook.close()
        await Promise.all([watch.close(), budgets.close(), stops.close()])
        const cut = setTimeout(gateway.cutAll, config.gateway.shutdownGraceMs)
        await Promise.all([server.close(), show.close(), pinning.close()])
        clearTimeout(cut)
        await verification.settled()
        await Promise.all([reconciliation.close(), ...upstreams.map(({ pools }) => pools.close())])
      },
    }
  } catch (error) {
    tls.close()
    await Promise.all([watch.close(), budgets.close()])
    await Promise.all([server.close(), pinning.close()])
    throw error
  }
}

/** What was made here belongs to the team of the caller that made it, from the moment its answer is seen. */
function learnOwner(learn: ReturnType<typeof createOwnership>['learn'], sighting: Sighting): void {
  const { about, team, caller } = sighting
  if (about === 'session' && sighting.created_here) learn('session', sighting.session_id, { team, caller })
  if (about !== 'creation') return
  const facts = ownedKindOf.get(sighting.object_kind)
  if (facts !== undefined) learn(facts.kind, sighting.object_id, { team, caller })
}

async function listen(server: { listen: (at: Listen) => Promise<string> }, at: Listen): Promise<string> {
  return server.listen({ host: at.host, port: at.port })
}

/** The provider's own address counts too: an upstream in front of it may hand on answers as they are. */
const originsOf = ({ upstreams }: AppParts): ReadonlySet<string> =>
  new Set(['https://api.anthropic.com', ...upstreams.map(({ url }) => url.origin)])
