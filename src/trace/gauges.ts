// Gauges that are read at each exposition, each from whoever knows: journal, policies, watcher, prices, budgets.
import type { Meter } from '@opentelemetry/api'
import type { MetricsOptions } from './metrics.ts'

/** What the watcher does at this moment. */
export type WatchGauges = { readonly sessions: number; readonly streams: number; readonly lagMs: number }

/** What of the last thirty days nobody has a price for, and the version of list prices in force. */
export type PriceGauges = { readonly unpricedRequests: number; readonly rateVersion: number }

/** How far each budget is used, 1 is all of it (of several shares, the fullest), and how old that is. */
export type BudgetGauges = { readonly used: ReadonlyMap<string, number>; readonly ageMs: number }

export function watchGauges(meter: Meter, options: MetricsOptions): void {
  const { journalBacklogBytes, writerLagMs, policiesInvalid } = options
  const gauge = (name: string, description: string, read: () => number): void =>
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(read()))
  gauge('tollgate_journal_backlog_bytes', 'Bytes the ledger does not have yet.', journalBacklogBytes)
  const lagSeconds = (): number => writerLagMs() / 1000
  gauge('tollgate_writer_lag_seconds', 'Age of the oldest record the ledger does not have yet.', lagSeconds)
  if (policiesInvalid !== undefined) {
    gauge(
      'tollgate_policies_invalid',
      '1 while changed files of policies/ are refused; older ones decide.',
      () => Number(policiesInvalid().live),
    )
    gauge('tollgate_policies_candidate_invalid', '1 while policies/candidate/ cannot be judged by.', () =>
      Number(policiesInvalid().candidate),
    )
  }
  gauge('process_resident_memory_bytes', 'Memory of the gateway process.', () => process.memoryUsage.rss())
}

export function gaugeWatch(meter: Meter, read: () => WatchGauges): void {
  const gauge = (name: string, description: string, value: () => number): void =>
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(value()))
  gauge('tollgate_watch_sessions', 'Sessions the watcher follows.', () => read().sessions)
  gauge('tollgate_watch_streams', 'Event streams of its own it has open.', () => read().streams)
  gauge(
    'tollgate_watch_lag_seconds',
    'How long the oldest look it owes has been owed.',
    () => read().lagMs / 1000,
  )
}

export function gaugePrices(meter: Meter, read: () => PriceGauges): void {
  meter
    .createObservableGauge('tollgate_unpriced_requests', {
      description: 'Model requests of the last 30 days without a price: missing from every cost.',
    })
    .addCallback((result) => result.observe(read().unpricedRequests))
  meter
    .createObservableGauge('tollgate_rate_version', { description: 'Version of the list prices in force.' })
    .addCallback((result) => result.observe(read().rateVersion))
}

export function gaugeBudgets(meter: Meter, read: () => BudgetGauges): void {
  meter
    .createObservableGauge('tollgate_budget_used_ratio', {
      description: 'How far each budget is used, 1 is all of it; of several shares the fullest.',
    })
    .addCallback((result) => {
      for (const [budget, used] of read().used) result.observe(used, { budget })
    })
  meter
    .createObservableGauge('tollgate_budget_age_seconds', {
      description: 'How long ago budgets were held against the ledger.',
    })
    .addCallback((result) => result.observe(read().ageMs / 1000))
}

/** What of sessions waits to be exported, and what came of the rest since the start. */
export type OutboxGauges = {
  readonly letters: number
  readonly bytes: number
  readonly oldestAgeMs: number
  readonly sent: number
  readonly refused: number
  readonly failures: number
}

export function gaugeOutbox(meter: Meter, read: () => OutboxGauges | null): void {
  const gauge = (name: string, description: string, value: (status: OutboxGauges) => number): void =>
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      const status = read()
      if (status !== null) result.observe(value(status))
    })
  gauge(
    'tollgate_outbox_letters',
    'Requests with spans or logs of sessions that wait to be sent.',
    ({ letters }) => letters,
  )
  gauge('tollgate_outbox_bytes', 'Bytes of them.', ({ bytes }) => bytes)
  gauge(
    'tollgate_outbox_oldest_age_seconds',
    'Age of the oldest of them.',
    ({ oldestAgeMs }) => oldestAgeMs / 1000,
  )
  gauge(
    'tollgate_outbox_sent_items',
    'Spans and logs of sessions that were taken, since the start.',
    ({ sent }) => sent,
  )
  gauge(
    'tollgate_outbox_refused_items',
    'Those that were refused for good and dropped.',
    ({ refused }) => refused,
  )
  gauge('tollgate_outbox_failures', 'Tries that failed and are repeated.', ({ failures }) => failures)
}
