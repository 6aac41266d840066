// What the root makes of reconciliation: the provider's admin key and connections of its own, apart from everything that
// callers' requests go through.
import { createPools } from './forward/pools.ts'
import { createReadUpstream } from './forward/read-upstream.ts'
import type { Clock } from './kernel/clock.ts'
import type { Secret } from './kernel/secret.ts'
import type { Ledger } from './ledger/port.ts'
import type { Writer } from './ledger/writer.ts'
import type { Book } from './price/book.ts'
import { analyticsBeta, type ReadProvider } from './price/reconcile/provider-cost.ts'
import { type ReconcileQuery, reconcile } from './price/reconcile/reconciliation.ts'
import type { Reconciliation } from './price/reconcile/tell-reconciliation.ts'
import { loadUsageReport } from './price/usage-report.ts'

export type ReconcileParts = {
  readonly ledger: Ledger
  readonly book: Book
  readonly writer: Pick<Writer, 'flush'>
  readonly clock: Clock
  /** Null without an admin key. */
  readonly provider: { readonly url: URL; readonly adminKey: Secret; readonly caPem: string | null } | null
}

/** A person waits for it. */
const flushTimeoutMs = 15_000

/** Makes the reconciliation; `close` ends its connections. */
export function openReconcile({ ledger, book, writer, clock, provider }: ReconcileParts): {
  readonly reconcile: (query: ReconcileQuery) => Promise<Reconciliation>
  readonly close: () => Promise<void>
} {
  const account = provider === null ? null : openAccount(provider)
  return {
    reconcile: (query) =>
      reconcile(
        {
          ledger,
          book,
          loadUsageReport: (asked) => loadUsageReport({ ledger, book }, asked),
          readProvider: account?.read ?? null,
          flush: () => writer.flush(flushTimeoutMs),
          nowMs: clock.nowMs,
        },
        query,
      ),
    close: async () => account?.close(),
  }
}

function openAccount({ url, adminKey, caPem }: NonNullable<ReconcileParts['provider']>) {
  const pools = createPools({ url, ...(caPem === null ? {} : { caPem }) })
  const readUpstream = createReadUpstream({
    route: () => ({ pools, authorization: `Bearer ${adminKey.reveal()}` }),
  })
  const read: ReadProvider = (path) => readUpstream('', path, [analyticsBeta])
  return { read, close: pools.close }
}
