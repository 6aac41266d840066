// Closing a period: everything that is known is in the ledger, it ties, and its lines are written once and for good.
import { createHash } from 'node:crypto'
import { TollgateError } from '../../kernel/errors.ts'
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { Ledger } from '../../ledger/port.ts'
import { type ClosedPeriod, readLines, readPeriods, writeClose } from '../../ledger/queries/chargeback.ts'
import { readFirstUseMs, readPeriodQuantities } from '../../ledger/queries/period-quantities.ts'
import { readRateCard } from '../../ledger/queries/rate-card.ts'
import type { PriceTerms } from '../prices-file.ts'
import type { ReconcileQuery } from '../reconcile/reconciliation.ts'
import type { Reconciliation } from '../reconcile/tell-reconciliation.ts'
import { cardOf, createPriceOf, withAdjustments } from '../terms.ts'
import { type ChargeLine, hashLines, inOrder } from './charge-line.ts'
import { makeCorrections } from './corrections.ts'
import { makeLines, nextPeriodStart } from './make-lines.ts'

export type ChargebackDeps = {
  readonly ledger: Pick<Ledger, 'query' | 'insert'>
  readonly terms: () => PriceTerms
  readonly costCentreOf: (team: string) => string
  /** Brings what is in this gateway's journal into the ledger; false when it could not. */
  readonly flush: () => Promise<boolean>
  /** Null without the provider's admin key. */
  readonly reconcile: ((query: ReconcileQuery) => Promise<Reconciliation>) | null
  /** Resolves when the act is durable in the journal, from where it goes into the audit log. */
  readonly recordAct: (act: {
    readonly act: string
    readonly by: string
    readonly detail: string
  }) => Promise<void>
  readonly nowMs: () => number
}

export type CloseOrder = {
  /** `2026-10`. */
  readonly period: string
  readonly by: string
  /** Closes before late facts and the provider's own figures are final. */
  readonly early: boolean
  /** Why it is closed although the ledger does not tie; '' to refuse then. */
  readonly accept: string
  /** Says what would be written, and writes nothing. */
  readonly dryRun: boolean
}

export type Closed = {
  readonly period: ClosedPeriod
  readonly lines: readonly ChargeLine[]
  /** False when it had been closed before: then this is what was written. */
  readonly isNew: boolean
}

/** The provider's figures may change for so long (docs/reconciliation.md). */
const settlingMs = 48 * 3_600_000
const linesMax = 1_000_000

/**
 * Closes a period. A second time it answers what was written the first time, to the byte. What earlier closed periods
 * turned out to have wrong becomes corrections in this one.
 * Throws TollgateError('show.query_invalid') with what stands in the way, and what the ledger throws.
 */
export async function closePeriod(deps: ChargebackDeps, order: CloseOrder): Promise<Closed> {
  const periods = await readPeriods(deps.ledger)
  const known = periods.find(({ period }) => period === order.period)
  if (known !== undefined) return { period: known, lines: await linesOf(deps, known), isNew: false }
  const nowMs = deps.nowMs()
  refuseUnfit(order, periods, nowMs)
  await mustFollow(deps, order.period, periods)
  if (!(await deps.flush())) throw refused('not everything of the journal is in the ledger yet; try again')
  await mustTie(deps, order)
  const { lines, rateVersion } = await makePeriod(deps, order.period, nowMs)
  const corrections = await correctionsFor(deps, order.period, periods)
  const all = inOrder([...lines, ...corrections])
  const hash = hashLines(all)
  const closed: ClosedPeriod = {
    period: order.period,
    close_id: createHash('sha256').update(`${order.period}|${nowMs}|${hash}`).digest('hex').slice(0, 32),
    closed_at: new Date(nowMs).toISOString(),
    closed_by: order.by,
    lines: all.length,
    lines_hash: hash,
    list_cost: sum(all, 'list_cost'),
    billed_cost: sum(all, 'billed_cost'),
    rate_version: rateVersion,
    terms_version: deps.terms().version,
    accepted: order.accept,
  }
  if (order.dryRun) return { period: closed, lines: all, isNew: true }
  const { close_id, accepted } = closed
  const detail = {
    period: order.period,
    close_id,
    lines: all.length,
    lines_hash: hash,
    billed_cost: closed.billed_cost,
    accepted,
    early: order.early,
  }
  await deps.recordAct({ act: 'period.close', by: order.by, detail: JSON.stringify(detail) })
  await writeClose(deps.ledger, closed, all)
  // Another gateway may have been first.
  const winner = (await readPeriods(deps.ledger)).find(({ period }) => period === order.period) ?? closed
  if (winner.close_id === closed.close_id) return { period: closed, lines: all, isNew: true }
  return { period: winner, lines: await linesOf(deps, winner), isNew: false }
}

/** What a period's lines are: as written when it is closed, else as they would be now. */
export async function linesOfPeriod(
  deps: ChargebackDeps,
  period: string,
): Promise<{ readonly closed: ClosedPeriod | null; readonly lines: readonly ChargeLine[] }> {
  const closed = (await readPeriods(deps.ledger)).find((each) => each.period === period) ?? null
  if (closed !== null) return { closed, lines: await linesOf(deps, closed) }
  const { lines } = await makePeriod(deps, period, deps.nowMs())
  return { closed: null, lines: inOrder(lines) }
}

/** As they were written: lines that somebody changed since are told to nobody. */
async function linesOf(deps: ChargebackDeps, closed: ClosedPeriod): Promise<readonly ChargeLine[]> {
  const lines = inOrder(await readLines(deps.ledger, [closed.close_id]))
  if (hashLines(lines) === closed.lines_hash) return lines
  throw refused(
    `the lines of \`${closed.period}\` are not those that were written when it was closed: their hash is not the one in the audit log`,
  )
}

async function makePeriod(
  deps: ChargebackDeps,
  period: string,
  knownAtMs: number,
  centres = deps.costCentreOf,
) {
  const fromMs = Date.parse(`${period}-01`)
  const toMs = Math.min(Date.parse(nextPeriodStart(period)), nextMidnight(deps.nowMs()))
  const recorded = await readRateCard(deps.ledger, knownAtMs)
  if (recorded === null) throw refused('prices are not recorded in the ledger yet; try again in a minute')
  const quantities = await readPeriodQuantities(deps.ledger, { fromMs, toMs, rowsMax: linesMax })
  if (quantities.length > linesMax) throw refused(`\`${period}\` has more than ${linesMax} lines`)
  const card = withAdjustments(
    cardOf(recorded),
    quantities.map(({ sku }) => sku),
  )
  const lines = makeLines({
    period,
    quantities,
    priceOf: createPriceOf(card, deps.terms()),
    costCentreOf: centres,
    rateVersion: card.version,
    termsVersion: deps.terms().version,
  })
  return { lines, rateVersion: card.version }
}

/** Rated by what was known when the period was closed, and for the cost centres it was charged to. */
async function correctionsFor(
  deps: ChargebackDeps,
  period: string,
  periods: readonly ClosedPeriod[],
): Promise<readonly ChargeLine[]> {
  const earlier = periods.filter((each) => each.period < period)
  if (earlier.length === 0) return []
  const charged = await readLines(
    deps.ledger,
    earlier.map(({ close_id }) => close_id),
  )
  const found: ChargeLine[] = []
  for (const { period: corrects, closed_at } of earlier) {
    const ofPeriod = charged.filter((line) => line.charge_period_start.startsWith(`${corrects}-`))
    const centres = new Map(ofPeriod.map((line) => [line.team, line.cost_centre]))
    const centreOf = (team: string) => centres.get(team) ?? deps.costCentreOf(team)
    const { lines: now } = await makePeriod(deps, corrects, Date.parse(closed_at), centreOf)
    found.push(...makeCorrections({ period, corrects, charged: ofPeriod, now }))
  }
  return found
}

function refuseUnfit({ period, early }: CloseOrder, periods: readonly ClosedPeriod[], nowMs: number): void {
  const endMs = Date.parse(nextPeriodStart(period))
  if (nowMs < endMs)
    throw refused(`\`${period}\` is not over; it can be closed from ${nextPeriodStart(period)} on`)
  if (nowMs < endMs + settlingMs && !early) {
    const from = new Date(endMs + settlingMs).toISOString()
    throw refused(
      `facts and figures of \`${period}\` may still come in; close it after ${from}, or say \`early\``,
    )
  }
  const later = periods.find((each) => each.period > period)
  if (later !== undefined)
    throw refused(`\`${later.period}\` is closed already, and periods are closed in their order`)
}

/** Months that were passed over could never be closed afterwards. */
async function mustFollow(
  { ledger }: ChargebackDeps,
  period: string,
  periods: readonly ClosedPeriod[],
): Promise<void> {
  const first = await readFirstUseMs(ledger)
  if (first === null) return
  const closed = new Set(periods.map((each) => each.period))
  let month = new Date(first).toISOString().slice(0, 7)
  while (month < period && closed.has(month)) month = nextPeriodStart(month).slice(0, 7)
  if (month < period) throw refused(`\`${month}\` was used in and is not closed; close it first`)
}

async function mustTie({ reconcile }: ChargebackDeps, { period, accept }: CloseOrder): Promise<void> {
  if (reconcile === null || accept !== '') return
  const report = await reconcile({
    fromMs: Date.parse(`${period}-01`),
    toMs: Date.parse(nextPeriodStart(period)),
    invoiceUsd: null,
  })
  if (report.breaches === 0 && report.complete) return
  const what =
    report.breaches > 0
      ? `${report.breaches} differences have no accepted reason`
      : report.problems.join('; ')
  throw refused(
    `the ledger does not tie with the provider's account: ${what}; see \`tollgate reconcile\`, or \`accept\` it with a reason`,
  )
}

const sum = (lines: readonly ChargeLine[], name: 'list_cost' | 'billed_cost'): string =>
  formatUsd(lines.reduce((total, line) => total + parseUsd(line[name]), 0n))

const nextMidnight = (ms: number): number => (Math.floor(ms / 86_400_000) + 1) * 86_400_000
const refused = (message: string) => new TollgateError('show.query_invalid', message)
