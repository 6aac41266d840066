// Prometheus metrics: counters and gauges of this process, for dashboards and alarms, never for money. Labels
// are closed sets (operation, status class, decision, error code) or capped (team), so series stay few.
import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { ErrorCode } from '../kernel/errors.ts'
import type { JournalTrouble } from '../kernel/journal-extents.ts'
import { type UnknownKind, unknownKinds } from '../upstream/unknowns.ts'
import {
  type BudgetGauges,
  gaugeBudgets,
  gaugeOutbox,
  gaugePrices,
  gaugeWatch,
  type OutboxGauges,
  type PriceGauges,
  type WatchGauges,
  watchGauges,
} from './gauges.ts'
import type { RequestFacts } from './request-span.ts'
import { createTally } from './tally.ts'

export type MetricsOptions = {
  readonly serviceVersion: string
  /** Read at each exposition. */
  readonly journalBacklogBytes: () => number
  /** Age of the oldest record that the ledger does not have yet, in ms; 0 when there is none. */
  readonly writerLagMs: () => number
  /** Read at each exposition: the files of `policies/`, or of its candidate, cannot be taken over as they are. */
  readonly policiesInvalid?: () => { readonly live: boolean; readonly candidate: boolean }
  /** Teams beyond the first so many share the label `other`. Default 100. */
  readonly teamsMax?: number
}

const policySets = ['live', 'candidate'] as const
export type PolicySet = (typeof policySets)[number]
const shadowDirections = ['would_deny', 'would_allow'] as const
export type ShadowDirection = (typeof shadowDirections)[number]

const unknownSides = ['request', 'answer'] as const
export type UnknownSide = (typeof unknownSides)[number]

export type Metrics = {
  /** Counts a settled exchange: decision, status, error code, team, bytes and how long it took. */
  readonly countExchange: (facts: RequestFacts, isStream: boolean) => void
  /** Counts a refusal that never became an exchange, e.g. of bytes that are no HTTP. */
  readonly countRefusal: (code: ErrorCode) => void
  readonly streamOpened: () => void
  /** Once per `streamOpened`. */
  readonly streamClosed: () => void
  /** The tap could not read a frame; the stream went on. */
  readonly tapFailed: () => void
  /** Something that the API as we know it does not have passed, in a request or an answer. */
  readonly unknownPassed: (side: UnknownSide, kind: UnknownKind) => void
  /** Changed files of `policies/` or its candidate were taken over, or were not. */
  readonly policiesReloaded: (set: PolicySet, result: 'taken' | 'refused') => void
  /** The candidate policy would have decided otherwise. */
  readonly shadowDisagreed: (direction: ShadowDirection) => void
  /** How many canaries are held now; `isNew` when this gateway has just held one by itself. */
  readonly canariesHeld: (held: { readonly isNew: boolean; readonly now: number }) => void
  /** A session that the upstream answered was held against what was pinned. */
  readonly sessionVerified: (outcome: string, action: string) => void
  /** The journal did not take a record of this kind: what it told is lost to the ledger. */
  readonly journalRefused: (kind: string) => void
  readonly journalTroubled: (kind: JournalTrouble['kind']) => void
  /** The watcher asked the upstream for something, by kind. */
  readonly watchRead: (kind: string) => void
  /** Something the watcher tried failed, by reason; it tries again. */
  readonly watchFailed: (reason: string) => void
  /** Where the gauges of the watcher are read at each exposition. */
  readonly watchAttached: (status: () => WatchGauges) => void
  /** Where the gauges of prices are read at each exposition. */
  readonly pricesAttached: (status: () => PriceGauges) => void
  /** Where the gauges of budgets are read at each exposition. */
  readonly budgetsAttached: (status: () => BudgetGauges) => void
  /** Where the gauges of the export of sessions are read at each exposition; null while there is none. */
  readonly outboxAttached: (status: () => OutboxGauges | null) => void
  readonly spansExported: (result: 'exported' | 'failed', spans: number) => void
  /** All metrics in Prometheus' text format 0.0.4. */
  readonly exposition: () => Promise<string>
  readonly close: () => Promise<void>
}

const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const streamSeconds = [1, 10, 60, 300, 900, 3600, 14_400, 86_400]
const troubleKinds: readonly JournalTrouble['kind'][] = [
  'torn_tail_cut',
  'damage_set_aside',
  'cursor_unreadable',
  'write_failed',
  'segment_not_removed',
]

/** Creates the metrics of one gateway. Opens no port: the admin listener serves `exposition()`. */
export function createMetrics(options: MetricsOptions): Metrics {
  // The exporter is a reader that is asked by us; its own HTTP server stays shut.
  const reader = new PrometheusExporter({ preventServerStart: true })
  const serializer = new PrometheusSerializer('', false, undefined, false, true)
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': 'tollgate',
      'service.version': options.serviceVersion,
    }),
    readers: [reader],
  })
  const meter = provider.getMeter('tollgate')
  const count = createInstruments(meter)
  watchGauges(meter, options)
  let watched = (): WatchGauges => ({ sessions: 0, streams: 0, lagMs: 0 })
  gaugeWatch(meter, () => watched())
  let priced = (): PriceGauges => ({ unpricedRequests: 0, rateVersion: 0 })
  gaugePrices(meter, () => priced())
  let outbox = (): OutboxGauges | null => null
  gaugeOutbox(meter, () => outbox())
  let budgeted = (): BudgetGauges => ({ used: new Map(), ageMs: 0 })
  gaugeBudgets(meter, () => budgeted())
  const teamLabel = createCap(options.teamsMax ?? 100)

  return {
    countExchange: (facts, isStream) => {
      const { decision } = facts
      const operation = facts.operation || 'unknown'
      // A client that leaves is how most streams end; it must not look like a client that erred.
      const status_class = facts.status === 499 ? 'client_gone' : `${Math.floor(facts.status / 100)}xx`
      const seconds = facts.duration_ms / 1000
      count.exchanges.add(1, operation, decision, status_class)
      if (facts.team !== '') count.teams.add(1, teamLabel(facts.team), decision)
      if (facts.error_code !== '') count.refusals.add(1, facts.error_code)
      count.bytes.add(facts.response_bytes)
      count.events.add(facts.events)
      if (isStream) count.streamSeconds.record(seconds, { end_reason: facts.end_reason })
      else count.requestSeconds.record(seconds, { operation, status_class })
    },
    countRefusal: (code) => count.refusals.add(1, code),
    streamOpened: () => count.openStreams.add(1),
    streamClosed: () => count.openStreams.add(-1),
    tapFailed: () => count.tapFailures.add(1),
    unknownPassed: (side, kind) => count.unknown.add(1, side, kind),
    policiesReloaded: (set, result) => count.reloads.add(1, { set, result }),
    shadowDisagreed: (direction) => count.shadows.add(1, direction),
    canariesHeld: ({ isNew, now }) => {
      if (isNew) count.canaryHolds.add(1)
      count.canariesHeld.record(now)
    },
    sessionVerified: (outcome, action) =>
      count.verifications.add(1, outcome, action === '' ? 'none' : action),
    journalRefused: (kind) => count.journalRefusals.add(1, { kind }),
    journalTroubled: (kind) => count.troubles.add(1, { kind }),
    watchRead: (kind) => count.watchReads.add(1, kind),
    watchFailed: (reason) => count.watchFailures.add(1, reason),
    watchAttached: (status) => {
      watched = status
    },
    pricesAttached: (status) => {
      priced = status
    },
    budgetsAttached: (status) => {
      budgeted = status
    },
    outboxAttached: (status) => {
      outbox = status
    },
    spansExported: (result, spans) => count.spans.add(spans, { result }),
    exposition: async () => {
      const { resourceMetrics } = await reader.collect()
      return serializer.serialize(resourceMetrics)
    },
    close: () => provider.shutdown(),
  }
}

function createInstruments(meter: Meter) {
  const counter = (name: string, description: string) => meter.createCounter(name, { description })
  const tally = (name: string, description: string, labels: readonly string[]) =>
    createTally(meter, name, description, labels)
  const histogram = (name: string, description: string, explicitBucketBoundaries: number[]) =>
    meter.createHistogram(name, { description, advice: { explicitBucketBoundaries } })
  const instruments = {
    exchanges: tally('tollgate_exchanges_total', 'Settled requests by operation, decision, status class.', [
      'operation',
      'decision',
      'status_class',
    ]),
    teams: tally('tollgate_team_exchanges_total', 'Settled requests by team and decision.', [
      'team',
      'decision',
    ]),
    refusals: tally('tollgate_refusals_total', 'Requests Tollgate answered itself, by error code.', ['code']),
    bytes: tally('tollgate_response_bytes_total', 'Bytes of answers passed to clients.', []),
    events: tally('tollgate_events_total', 'Upstream events the tap saw.', []),
    unknown: tally('tollgate_unknown_total', 'Words of a newer API that passed, by side and kind.', [
      'side',
      'kind',
    ]),
    tapFailures: counter('tollgate_tap_failures_total', 'Frames the tap could not read; the stream went on.'),
    reloads: counter(
      'tollgate_policy_reloads_total',
      'Changes of policies/ and its candidate, taken over or refused.',
    ),
    shadows: tally(
      'tollgate_shadow_disagreements_total',
      'Decisions that the candidate policy would have made otherwise.',
      ['direction'],
    ),
    verifications: tally(
      'tollgate_session_verifications_total',
      'Sessions held against what was pinned, by outcome and what was done.',
      ['outcome', 'action'],
    ),
    canaryHolds: counter('tollgate_canary_holds_total', 'Canaries this gateway held by itself.'),
    canariesHeld: meter.createGauge('tollgate_canaries_held', {
      description: 'Canaries that nobody gets until a person releases them.',
    }),
    journalRefusals: counter('tollgate_journal_refusals_total', 'Records the journal did not take.'),
    troubles: counter('tollgate_journal_troubles_total', 'Damage, torn tails, failed writes of the journal.'),
    watchReads: tally('tollgate_watch_reads_total', 'Reads of the watcher at the upstream, by kind.', [
      'kind',
    ]),
    watchFailures: tally(
      'tollgate_watch_failures_total',
      'What the watcher tried in vain, by reason; it tries again.',
      ['reason'],
    ),
    spans: counter('tollgate_spans_total', 'Spans handed to the OTLP exporter, by result.'),
    openStreams: meter.createUpDownCounter('tollgate_streams_open', { description: 'Streams being served.' }),
    requestSeconds: histogram(
      'http_server_request_duration_seconds',
      'Time from arrival to the last byte; streams are excluded.',
      requestSeconds,
    ),
    streamSeconds: histogram(
      'tollgate_stream_duration_seconds',
      'How long streams were open, by end reason.',
      streamSeconds,
    ),
  }
  // A series that exists at zero can be alarmed on; one that appears with the first failure cannot.
  for (const one of [instruments.tapFailures, instruments.openStreams, instruments.canaryHolds]) one.add(0)
  for (const side of unknownSides) for (const kind of unknownKinds) instruments.unknown.add(0, side, kind)
  for (const set of policySets)
    for (const result of ['taken', 'refused']) instruments.reloads.add(0, { set, result })
  for (const direction of shadowDirections) instruments.shadows.add(0, direction)
  for (const kind of ['exchange', 'sighting', 'policy_change']) instruments.journalRefusals.add(0, { kind })
  for (const kind of troubleKinds) instruments.troubles.add(0, { kind })
  return instruments
}

/** The first `max` names keep theirs, all others share `other`. */
function createCap(max: number): (name: string) => string {
  const known = new Set<string>()
  return (name) => {
    if (known.has(name)) return name
    if (known.size >= max) return 'other'
    known.add(name)
    return name
  }
}
