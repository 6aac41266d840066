// Budgets wired: a look at the ledger every few seconds, grants between looks, thresholds told once, and an interrupt for
// what runs on where a budget says so.
import type { ExchangeRecord } from './audit/exchange-record.ts'
import { type BudgetAlarmsParts, createBudgetAlarms } from './budget-alarms.ts'
import { newId } from './kernel/ids.ts'
import { memberOf } from './kernel/own-member.ts'
import { runInTurns } from './kernel/turns.ts'
import type { Ledger } from './ledger/port.ts'
import { type LiveSession, readLiveSessions } from './ledger/queries/live-sessions.ts'
import { type PeriodQuantity, readPeriodQuantities } from './ledger/queries/period-quantities.ts'
import { readReplicas, sayAlive } from './ledger/queries/replicas.ts'
import type { AgentVersion } from './pin/rule.ts'
import type { Policies } from './policies.ts'
import type { Book } from './price/book.ts'
import { ratesOfBook } from './price/book-rates.ts'
import { writeLimit } from './price/budgets/budget-body.ts'
import { type BudgetRow, toBudgetRows } from './price/budgets/budget-rows.ts'
import type { Budgets } from './price/budgets/budgets-file.ts'
import { type FundedRequest, readFundingRequest } from './price/budgets/funded-request.ts'
import { type Funding, type FundingRequest, openFundingDesk } from './price/budgets/funding.ts'
import { dimsOf, takeStanding, windowOf } from './price/budgets/standing.ts'
import { createPriceOf, withAdjustments } from './price/terms.ts'
import type { Metrics } from './trace/metrics.ts'

export type BudgetsParts = BudgetAlarmsParts & {
  readonly ledger: Pick<Ledger, 'query' | 'insert' | 'command'>
  readonly policies: { readonly current: () => Pick<Policies, 'budgets' | 'prices'> }
  readonly book: Book
  /** Other gateways may grant from the same budgets. */
  readonly isLedgerShared: boolean
  readonly isWatching: boolean
  readonly refreshMs: number
  /** A saved agent as the upstream has it, the latest for null. May reject. */
  readonly agentVersion: (
    team: string,
    agentId: string,
    version: number | null,
  ) => Promise<AgentVersion | null>
  readonly metrics: Pick<Metrics, 'budgetsAttached'>
}

export type OpenBudgets = {
  /** What the request may begin, and with which limit. A promise only where something must be asked first. */
  readonly fund: (
    request: FundedRequest & { readonly version: number | null },
  ) => Funding | null | Promise<Funding>
  readonly writeLimit: typeof writeLimit
  /** Ends the grant of an exchange. Must be called once for each. */
  readonly settled: (
    record: Pick<ExchangeRecord, 'exchange_id' | 'decision' | 'status' | 'session_id'>,
  ) => void
  readonly rows: () => Promise<readonly BudgetRow[]>
  readonly readiness: readonly {
    readonly name: string
    readonly isNote: true
    readonly check: () => string | null
  }[]
  readonly close: () => Promise<void>
}

const dayMs = 86_400_000
/** What is older than today changes by corrections only. */
const earlierMs = 60_000
const aliveMs = 15_000
const liveMax = 20_000
const liveSinceMs = 7 * dayMs
const rowsMax = 500_000
const staleMs = 60_000

/** Starts looking, when there is a budget. */
export function openBudgets(parts: BudgetsParts): OpenBudgets {
  const { ledger, clock, logger } = parts
  const budgets = (): Budgets => parts.policies.current().budgets
  // Longer than any look of another gateway may be old, by far.
  const desk = openFundingDesk({
    budgets,
    nowMs: clock.nowMs,
    overlapMs: Math.max(10_000, 5 * parts.refreshMs),
  })
  const rates = ratesOfBook(parts.book)
  const skus = rates.map(({ sku }) => sku)
  const alarms = createBudgetAlarms(parts)
  const startedAtMs = clock.nowMs()
  const replicaId = newId('gw', startedAtMs)
  let earlier: {
    readonly atMs: number
    readonly fromMs: number
    readonly toMs: number
    readonly rows: readonly PeriodQuantity[]
  } | null = null
  let seen: { readonly of: Budgets; readonly atMs: number } | null = null
  let failures = 0

  const readQuantities = async (fromMs: number, nowMs: number): Promise<readonly PeriodQuantity[]> => {
    const today = Math.floor(nowMs / dayMs) * dayMs
    const isKnown =
      earlier !== null &&
      earlier.fromMs === fromMs &&
      earlier.toMs === today &&
      nowMs - earlier.atMs < earlierMs
    if (!isKnown) {
      const rows =
        fromMs < today
          ? await readPeriodQuantities(ledger, { fromMs, toMs: today, rowsMax, isLive: true })
          : []
      earlier = { atMs: nowMs, fromMs, toMs: today, rows }
    }
    const now = await readPeriodQuantities(ledger, {
      fromMs: today,
      toMs: today + dayMs,
      rowsMax,
      isLive: true,
    })
    return [...(earlier?.rows ?? []), ...now]
  }

  const look = async (): Promise<void> => {
    const of = budgets()
    const nowMs = clock.nowMs()
    const windows = of.budgets.flatMap((budget) => {
      const window = budget.per === 'session' ? null : windowOf(budget, nowMs)
      return window === null ? [] : [window.fromMs]
    })
    const fromMs = windows.length === 0 ? Math.floor(nowMs / dayMs) * dayMs : Math.min(...windows)
    const quantities = await readQuantities(fromMs, nowMs)
    const sinceMs = nowMs - Math.max(liveSinceMs, of.idleHoldMs)
    const live = await readLiveSessions(ledger, { sinceMs, named: desk.awaited(), rowsMax: liveMax })
    // The watcher says it for those that watch.
    if (parts.isLedgerShared && !parts.isWatching) await sayAlive(ledger, replicaId, { startedAtMs })
    const gateways = parts.isLedgerShared ? Math.max(1, (await readReplicas(ledger, aliveMs)).length) : 1
    const card = withAdjustments(
      { version: 0, rates },
      quantities.map(({ sku }) => sku),
    )
    const priceOf = createPriceOf(card, parts.policies.current().prices)
    const standing = await runInTurns(
      takeStanding({ budgets: of, atMs: nowMs, gateways, quantities, live, priceOf, skus }),
    )
    desk.take(standing)
    seen = { of, atMs: nowMs }
    await alarms.look(desk.states() ?? [], standing)
  }

  let running: Promise<void> | null = null
  const lookOnce = (): Promise<void> => {
    running ??= look()
      .then(
        () => {
          failures = 0
        },
        (err: unknown) => {
          failures += 1
          if (failures === 3)
            logger.warn(
              { err },
              'budgets are not compared with the ledger now; grants go on from the last look',
            )
        },
      )
      .finally(() => {
        running = null
      })
    return running
  }
  const timer = setInterval(() => {
    if (budgets().budgets.length > 0) void lookOnce()
  }, parts.refreshMs)
  timer.unref()

  parts.metrics.budgetsAttached(() => {
    const rows = toBudgetRows(desk.states() ?? [], clock.nowMs())
    const ratios = new Map<string, number>()
    for (const { name, used_percent } of rows)
      ratios.set(name, Math.max(ratios.get(name) ?? 0, used_percent / 100))
    return { used: ratios, ageMs: seen === null ? 0 : clock.nowMs() - seen.atMs }
  })

  /** What counts for a model must know it, which a session's body seldom says. */
  const withModel = (
    request: FundingRequest,
    version: number | null,
  ): FundingRequest | Promise<FundingRequest> => {
    const { dims, kind } = request
    const isNew = kind === 'session' || kind === 'deployment'
    const isAsked = budgets().budgets.some((budget) => budget.model !== null || budget.per === 'model')
    if (!isNew || !isAsked || dims.agent === '') return request
    return parts.agentVersion(dims.team, dims.agent, version).then(
      (agent) => ({ ...request, dims: { ...dims, model: modelOf(agent) } }),
      // Who cannot be asked now is asked again by what needs it; no model's own budget counts.
      () => request,
    )
  }
  /** What goes on counts for the agent and model it was made with; one that has rested for long must be looked up. */
  const withSession = (request: FundingRequest): FundingRequest | Promise<FundingRequest> => {
    const { kind, dims } = request
    if ((kind !== 'work' && kind !== 'raise') || dims.session === '') return request
    const of = (session: LiveSession | null): FundingRequest =>
      session === null ? request : { ...request, session, dims: dimsOf(session) }
    const known = desk.sessionOf(dims.session)
    if (known !== null) return of(known)
    return readLiveSessions(ledger, { sinceMs: clock.nowMs(), named: [dims.session], rowsMax: 10 }).then(
      (found) => of(found.find((each) => each.session_id === dims.session) ?? null),
      () => request,
    )
  }
  /** A budget that was just written is not in a look that had begun before. */
  const lookFresh = async (): Promise<void> => {
    await lookOnce()
    if (seen?.of !== budgets()) await lookOnce()
  }

  return {
    writeLimit,
    fund: (asked) => {
      if (budgets().budgets.length === 0) return null
      const request = readFundingRequest(asked)
      if (request === null) return null
      const full = withModel(request, asked.version)
      const known = full instanceof Promise ? full.then(withSession) : withSession(full)
      if (seen?.of === budgets() && !(known instanceof Promise)) return desk.fund(known)
      const looked = seen?.of === budgets() ? Promise.resolve() : lookFresh()
      return looked.then(() => known).then(desk.fund)
    },
    settled: ({ exchange_id, decision, status, session_id }) => {
      const wasSent = decision === 'allowed' || decision === 'rewritten' || decision === 'failed'
      if (!wasSent || (status >= 400 && status < 499)) return desk.settle(exchange_id, { kind: 'void' })
      if (status >= 499 || session_id === '') return desk.settle(exchange_id, { kind: 'unknown' })
      desk.settle(exchange_id, { kind: 'given', sessionId: session_id })
    },
    rows: async () => {
      if (budgets().budgets.length > 0) await lookFresh()
      return toBudgetRows(desk.states() ?? [], clock.nowMs())
    },
    readiness: [
      {
        name: 'budgets',
        isNote: true,
        check: () =>
          budgets().budgets.length > 0 && seen !== null && clock.nowMs() - seen.atMs > staleMs
            ? 'budgets have not been compared with the ledger for a while; grants go on from the last look'
            : null,
      },
    ],
    close: async () => {
      clearInterval(timer)
      await running
    },
  }
}

/** `model` is a name, or an object with one (SDK 1.12.0 `BetaManagedAgentsModelConfig`). */
function modelOf(agent: AgentVersion | null): string {
  const model = memberOf(agent?.config, 'model')
  const id = typeof model === 'string' ? model : memberOf(model, 'id')
  return typeof id === 'string' ? id : ''
}
