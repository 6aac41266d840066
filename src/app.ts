// The composition root: every room gets here what it needs of the others. No decision is taken in this file.

import { createAuthorize, createAuthorizeAdmin, decideFor } from './authorize/authorize.ts'
import { createCarriedAgents } from './authorize/carried-agents.ts'
import { createOwnership } from './authorize/ownership/ownership.ts'
import { withSecondOpinion } from './authorize/second-opinion.ts'
import { createShadow } from './authorize/shadow.ts'
import type { Config, Listen } from './config.ts'
import { createAnswerEdits, createRedirectAnswers } from './forward/answer-edits.ts'
import { createFollowUpstream } from './forward/follow-upstream.ts'
import { createForward } from './forward/forward.ts'
import { createPools } from './forward/pools.ts'
import { createReadUpstream } from './forward/read-upstream.ts'
import { createRoutes } from './forward/route.ts'
import { type GatewayDeps, registerGateway } from './gateway/gateway.ts'
import { createMethodLookup } from './gateway/known-path.ts'
import { createGatewayServer } from './gateway/server.ts'
import { createSettlement } from './gateway/settlement.ts'
import { createIdentify, createRecheck } from './identify/identify.ts'
import { acceptOwnHeader } from './identify/own-header.ts'
import { fetchJwks } from './identify/tokens/fetch-jwks.ts'
import type { SigningKey } from './identify/tokens/signing-key.ts'
import { createTokenEndpoint } from './identify/tokens/token-endpoint.ts'
import { createTokens } from './identify/tokens/tokens.ts'
import type { Clock } from './kernel/clock.ts'
import type { Journal } from './kernel/journal.ts'
import type { Logger } from './kernel/logger.ts'
import type { Secret } from './kernel/secret.ts'
import type { Ledger } from './ledger/port.ts'
import { readKeyUse } from './ledger/queries/key-use.ts'
import { queryObjectOwners } from './ledger/queries/object-owners.ts'
import { readDecisions, readDisagreements } from './ledger/queries/policy-history.ts'
import { readWatchedSessions } from './ledger/queries/watched-sessions.ts'
import type { Writer } from './ledger/writer.ts'
import { createPin } from './pin/pin.ts'
import type { PolicyStore } from './policies.ts'
import type { Book } from './price/book.ts'
import { loadUsageReport } from './price/usage-report.ts'
import { buildShow } from './show/show.ts'
import { answerReaders, isMetered } from './tap/answer-readers.ts'
import { createEventStreamTap } from './tap/event-stream-tap.ts'
import type { Sighting } from './tap/sighting.ts'
import { createTap } from './tap/tap.ts'
import type { Metrics } from './trace/metrics.ts'
import type { Tracing } from './trace/tracing-type.ts'
import { readJsonBody } from './upstream/body.ts'
import { operations } from './upstream/operations.ts'
import { ownedKindOf } from './upstream/owned-kinds.ts'
import { canonicalPath } from './upstream/path.ts'
import { inspectRequest } from './upstream/unknowns.ts'
import { openWatch } from './watch/open-watch.ts'
import { createWebhookReceiver, loadVerifyWebhook } from './watch/webhook.ts'

/** What `main.ts` makes of the configuration, and tests make for themselves. */
export type AppParts = {
  readonly config: Pick<Config, 'gateway' | 'show' | 'journal' | 'policiesDir' | 'watch'>
  readonly clock: Clock
  readonly logger: Logger
  readonly policies: PolicyStore
  readonly pepper: Secret
  readonly signingKey: SigningKey
  readonly journal: Journal
  readonly ledger: Ledger
  readonly writer: Writer
  readonly book: Book
  readonly tracing: Tracing
  readonly metrics: Metrics
  /** The first serves every team that names none. */
  readonly upstreams: readonly Upstream[]
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
  const tokens = createTokens({
    directory,
    clock,
    signingKey: parts.signingKey,
    policiesFolder: config.policiesDir,
    fetchJwks,
    onProblem: (issuer, problem) => logger.warn({ issuer, problem }, 'keys of an issuer not renewed'),
  })
  const recheck = createRecheck({ directory, clock, tokens })
  const identify = createIdentify({ directory, pepper: parts.pepper, clock, tokens })
  const snapshot = () => policies.current().snapshot
  const upstreams = parts.upstreams.map(({ name, url, credential, caPem }) => ({
    name,
    credential,
    pools: createPools({ url, ...(caPem === null ? {} : { caPem }) }),
  }))
  const routes = createRoutes({
    upstreams,
    upstreamOf: (team) => upstreamOf(team),
  })
  let isClosing = false
  const settlement = createSettlement({ journal: parts.journal, metrics, logger, ...config.journal })
  const readUpstream = createReadUpstream({ route: routes.ofTeam })
  const ownership = createOwnership({
    readUpstream,
    readOwners: (kind, ids) => queryObjectOwners(parts.ledger, kind, ids),
    snapshot,
    unownedTo: () => policies.current().directory.unownedTo,
    stamping: config.gateway.stamping,
  })
  const upstreamOf = (team: string): string | null => directory().teams.get(team)?.upstream ?? null
  const watch = openWatch({
    ...parts,
    settings: config.watch,
    upstreams: upstreams.map((upstream) => ({ name: upstream.name, follow: createFollowUpstream(upstream) })),
    upstreamOf,
    answerReaders,
    createEventStreamTap,
    isMetered,
    readWatchedSessions,
  })
  const keepSightings = (sightings: readonly Sighting[]): void => {
    for (const sighting of sightings) learnOwner(ownership.learn, sighting)
    settlement.keepSightings(sightings)
    watch.note(sightings)
  }
  const deps: GatewayDeps = {
    operations,
    clock,
    canonicalPath,
    methodsAt: createMethodLookup(operations),
    readJsonBody,
    identify: acceptOwnHeader(identify),
    stamp: ownership.stamp,
    recheck,
    // First what the caller may see of it, then where it leads.
    editAnswer: createAnswerEdits([
      ownership.editAnswer,
      createRedirectAnswers({ origins: originsOf(parts), publicUrl: config.gateway.publicUrl }),
    ]),
    tokenEndpoint: createTokenEndpoint({
      tokens,
      onRefused: ({ code, rule }) => logger.warn({ code, rule }, 'token exchange refused'),
    }),
    pin: createPin({ pins: () => policies.current().pins }),
    authorize: withSecondOpinion(
      createAuthorize({
        snapshot,
        checkOwnership: ownership.checkOwnership,
        findCarried: createCarriedAgents({ readUpstream }),
      }),
      createShadow({
        candidate: policies.candidate,
        decide: decideFor,
        onDisagreement: metrics.shadowDisagreed,
      }),
    ),
    inspect: ({ id }, headers, parsed) =>
      inspectRequest(id, headers, parsed, (kind) => metrics.unknownPassed('request', kind)),
    journalAccepts: settlement.journalAccepts,
    isClosing: () => isClosing,
    startSpan: parts.tracing.startRequestSpan,
    forward: createForward({ route: routes.ofRequest }),
    createTap: (tapped) =>
      watch.attend(
        tapped,
        createTap(
          {
            clock,
            onSightings: keepSightings,
            onFailure: metrics.tapFailed,
            onUnknown: (kind) => metrics.unknownPassed('answer', kind),
          },
          tapped,
        ),
      ),
    beforeForward: watch.beforeForward,
    onOpened: settlement.opened,
    onSettled: (record, facts) => {
      settlement.settled(record, facts)
      watch.settled(record)
    },
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
    loadKeyUse: () => readKeyUse(parts.ledger),
    policyHistory: {
      disagreements: (fromMs) => readDisagreements(parts.ledger, fromMs),
      decisions: (fromMs) => readDecisions(parts.ledger, fromMs),
    },
    loadUsageReport: (query) => loadUsageReport({ ledger: parts.ledger, book: parts.book }, query),
    receiveWebhook:
      config.watch === null || config.watch.webhookKeys.length === 0
        ? null
        : createWebhookReceiver({
            keys: config.watch.webhookKeys,
            verify: await loadVerifyWebhook(),
            wake: watch.wakeAt,
          }),
    metrics,
    readiness: [...readinessOf(parts, () => isClosing), ...watch.readiness],
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
        await watch.close()
        const cut = setTimeout(gateway.cutAll, config.gateway.shutdownGraceMs)
        await Promise.all([server.close(), show.close()])
        clearTimeout(cut)
        await Promise.all(upstreams.map(({ pools }) => pools.close()))
      },
    }
  } catch (error) {
    await watch.close()
    await server.close()
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

function readinessOf(parts: AppParts, isClosing: () => boolean) {
  // Named, so that a reader sees which accounts are served; asking them here would let strangers make calls upstream.
  const several = parts.upstreams.length > 1 ? parts.upstreams : []
  return [
    { name: 'gateway', check: () => (isClosing() ? 'shutting down' : null) },
    ...several.map(({ name }) => ({ name: `upstream ${name}`, check: () => null })),
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
