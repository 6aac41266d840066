// The admin listener wired: each of its answers gets here what it is made of.
import type { AppParts } from './app.ts'
import { createAuditShow } from './audit-show.ts'
import { createAuthorizeAdmin } from './authorize/authorize.ts'
import type { RoutedUpstream } from './forward/route.ts'
import { readAdjustments } from './ledger/queries/adjustments.ts'
import { readKeyUse } from './ledger/queries/key-use.ts'
import { readDecisions, readDisagreements } from './ledger/queries/policy-history.ts'
import { readToolUses } from './ledger/queries/tool-uses.ts'
import { openAsk } from './open-ask.ts'
import { openChargeback } from './open-chargeback.ts'
import { openExposure } from './open-exposure.ts'
import { openPrices } from './open-prices.ts'
import { loadUsageReport } from './price/usage-report.ts'
import { buildShow, type ShowDeps } from './show/show.ts'
import { loadSessionTrace } from './trace/turns/session-trace.ts'
import { createTraceLink } from './trace/turns/trace-link.ts'
import { createWebhookReceiver, loadVerifyWebhook } from './watch/webhook.ts'

/** What of the house the listener shows but does not make itself. */
export type ShowParts = Omit<AppParts, 'upstreams'> &
  Pick<ShowDeps, 'pinning' | 'readiness' | 'reconcile' | 'loadBudgets' | 'stops'> & {
    readonly identifyOperator: ShowDeps['identify']
    readonly snapshot: Parameters<typeof createAuthorizeAdmin>[0]['snapshot']
    readonly upstreams: readonly RoutedUpstream[]
    /** Reads what a webhook named, at once. */
    readonly wake: Parameters<typeof createWebhookReceiver>[0]['wake']
  }

/** Builds the admin listener; the caller listens and closes. */
export async function openShow(parts: ShowParts): Promise<ReturnType<typeof buildShow>> {
  const { clock, ledger, policies, metrics, logger, config } = parts
  const prices = openPrices(parts)
  const linkTo = createTraceLink(config.trace.urlTemplate)
  const app = buildShow({
    clock,
    identify: parts.identifyOperator,
    authorizeAdmin: createAuthorizeAdmin({ snapshot: parts.snapshot }),
    loadKeyUse: () => readKeyUse(ledger),
    policyHistory: {
      disagreements: (fromMs) => readDisagreements(ledger, fromMs),
      decisions: (fromMs) => readDecisions(ledger, fromMs),
    },
    pinning: parts.pinning,
    loadExposureReport: openExposure({ ...parts, pins: () => policies.current().pins }),
    reconcile: parts.reconcile,
    loadBudgets: parts.loadBudgets,
    stops: parts.stops,
    listPrices: prices.list,
    checkPrices: prices.check,
    loadSessionTrace: (id) => loadSessionTrace(ledger, id, linkTo),
    loadAdjustments: (query) => readAdjustments(ledger, query),
    loadToolUses: (query) => readToolUses(ledger, query),
    ask: openAsk({ ledger, directory: () => policies.current().directory }),
    chargeback: openChargeback(parts),
    audit: createAuditShow(ledger, config.dataDir),
    loadUsageReport: (query) => loadUsageReport({ ledger, book: parts.book }, query),
    receiveWebhook: await openWebhook(parts),
    metrics,
    readiness: [...parts.readiness, ...prices.readiness],
    onRefused: ({ requestId, code, cause }) => {
      metrics.countRefusal(code)
      logger.warn(
        { request_id: requestId, code, ...(cause === undefined ? {} : { err: cause }) },
        'admin request refused',
      )
    },
  })
  app.addHook('onClose', prices.close)
  return app
}

async function openWebhook({ config: { watch }, wake }: ShowParts) {
  if (watch === null || watch.webhookKeys.length === 0) return null
  return createWebhookReceiver({ keys: watch.webhookKeys, verify: await loadVerifyWebhook(), wake })
}
