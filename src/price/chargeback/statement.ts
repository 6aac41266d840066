// A team's statement of a period: what it is charged and for what, how that went before, and where it could be less.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { Ledger } from '../../ledger/port.ts'
import { readPeriods, readTeamTotals } from '../../ledger/queries/chargeback.ts'
import { readTeamSessions, type TeamSession } from '../../ledger/queries/team-sessions.ts'
import type { UsageLine, UsageQuery, UsageReport } from '../usage-report.ts'
import type { ChargeLine } from './charge-line.ts'
import { type ChargebackDeps, linesOfPeriod } from './close-period.ts'
import { nextPeriodStart } from './make-lines.ts'

export type StatementDeps = ChargebackDeps & {
  readonly ledger: Pick<Ledger, 'query' | 'insert'>
  readonly loadUsageReport: (query: UsageQuery) => Promise<UsageReport>
}

/** What is charged of one thing; money is exact decimals of US dollars. */
export type StatementSum = {
  readonly name: string
  readonly quantity: string
  readonly unit: string
  readonly list_usd: string
  readonly billed_usd: string
}

export type Statement = {
  readonly team: string
  readonly cost_centre: string
  readonly period: string
  /** `closed`, with its hash: the lines will not change. `open`: as of now. */
  readonly status: 'closed' | 'open'
  readonly closed_at: string
  readonly lines_hash: string
  readonly list_usd: string
  readonly contracted_usd: string
  readonly billed_usd: string
  /** Part of `billed_usd`: what earlier periods had wrong. */
  readonly corrections_usd: string
  readonly unpriced_lines: number
  readonly by_sku: readonly StatementSum[]
  readonly by_agent: readonly StatementSum[]
  readonly top_sessions: readonly TeamSession[]
  readonly time: Pick<UsageLine, 'running_ms' | 'idle_ms' | 'waiting_ms' | 'rescheduling_ms'>
  readonly sessions: number
  /** Earlier closed periods, the latest last. */
  readonly trend: readonly { readonly period: string; readonly billed_usd: string }[]
  /** Sentences, each with the figure it is made of. */
  readonly hints: readonly string[]
  readonly lines: readonly ChargeLine[]
}

const topMax = 10
const trendMax = 6

/** Makes the statement; of a period nobody used anything in, it says so with zeros. Rejects with what the ledger throws. */
export async function loadStatement(deps: StatementDeps, team: string, period: string): Promise<Statement> {
  const span = { fromMs: Date.parse(`${period}-01`), toMs: Date.parse(nextPeriodStart(period)) }
  const [{ closed, lines: all }, sessions, usage, periods] = await Promise.all([
    linesOfPeriod(deps, period),
    readTeamSessions(deps.ledger, { ...span, team, rowsMax: topMax }),
    deps.loadUsageReport({ groupBy: 'team', ...span }),
    readPeriods(deps.ledger),
  ])
  const lines = all.filter((line) => line.team === team)
  const key = team === 'UNALLOCATED' ? '(unattributed)' : team
  const used = usage.lines.find((line) => line.key === key)
  const before = periods.filter((each) => each.period < period).slice(-trendMax)
  const totals = await readTeamTotals(deps.ledger, team, before)
  return {
    team,
    cost_centre: lines[0]?.cost_centre ?? deps.costCentreOf(team),
    period,
    status: closed === null ? 'open' : 'closed',
    closed_at: closed?.closed_at ?? '',
    lines_hash: closed?.lines_hash ?? '',
    list_usd: sum(lines, 'list_cost'),
    contracted_usd: sum(lines, 'contracted_cost'),
    billed_usd: sum(lines, 'billed_cost'),
    corrections_usd: sum(
      lines.filter(({ charge_class }) => charge_class === 'Correction'),
      'billed_cost',
    ),
    unpriced_lines: lines.filter(({ sku }) => sku.startsWith('unpriced/')).length,
    by_sku: sumsBy(lines, ({ sku }) => sku),
    by_agent: sumsBy(lines, ({ agent_id }) => (agent_id === '' ? '(no agent)' : agent_id)).slice(0, topMax),
    top_sessions: sessions,
    time: {
      running_ms: used?.running_ms ?? 0,
      idle_ms: used?.idle_ms ?? 0,
      waiting_ms: used?.waiting_ms ?? 0,
      rescheduling_ms: used?.rescheduling_ms ?? 0,
    },
    sessions: used?.sessions ?? 0,
    trend: before.map(({ period: name }) => ({ period: name, billed_usd: totals.get(name) ?? '0.00' })),
    hints: hintsOf(lines, used),
    lines,
  }
}

function sumsBy(lines: readonly ChargeLine[], nameOf: (line: ChargeLine) => string): readonly StatementSum[] {
  const groups = new Map<string, ChargeLine[]>()
  for (const line of lines) {
    const known = groups.get(nameOf(line))
    if (known === undefined) groups.set(nameOf(line), [line])
    else known.push(line)
  }
  const sums = [...groups].map(([name, own]) => {
    const units = new Set(own.map(({ unit }) => unit))
    const [unit = ''] = units
    const quantity = own.reduce((total, line) => total + BigInt(line.quantity), 0n)
    // Tokens and milliseconds have no sum.
    const isOne = units.size === 1 && unit !== 'USD'
    return {
      name,
      quantity: isOne ? String(quantity) : '',
      unit: isOne ? unit : '',
      list_usd: sum(own, 'list_cost'),
      billed_usd: sum(own, 'billed_cost'),
    }
  })
  return sums.toSorted(
    (a, b) => compare(parseUsd(b.billed_usd), parseUsd(a.billed_usd)) || (a.name < b.name ? -1 : 1),
  )
}

/** What the figures themselves suggest; nothing where they suggest nothing. */
function hintsOf(lines: readonly ChargeLine[], used: UsageLine | undefined): readonly string[] {
  if (used === undefined) return []
  const prompt =
    used.input_tokens + used.cache_read_tokens + used.cache_write_5m_tokens + used.cache_write_1h_tokens
  const hints: string[] = []
  const cached = share(used.cache_read_tokens, prompt)
  if (prompt > 1_000_000 && cached < 30)
    hints.push(
      `${cached} % of prompt tokens were read from the cache, where a token costs a fraction of a fresh one`,
    )
  const fast = share(Number(costOf(lines, '/fast')), Number(costOf(lines, '')))
  if (fast >= 10)
    hints.push(`${fast} % of the cost is fast mode; where nobody waits, standard speed does the same`)
  const waited = share(used.waiting_ms, used.waiting_ms + used.running_ms)
  if (waited >= 50)
    hints.push(
      `${waited} % of the time in work was waiting for an answer: approvals are what holds sessions up`,
    )
  const writes = used.cache_write_5m_tokens + used.cache_write_1h_tokens
  if (writes > used.cache_read_tokens && writes > 1_000_000)
    hints.push('more is written to the cache than read from it: prompts change before they are used again')
  if (used.unpriced_requests > 0)
    hints.push(`${used.unpriced_requests} model requests have no known price and are charged nothing here`)
  return hints
}

const costOf = (lines: readonly ChargeLine[], part: string): bigint =>
  lines
    .filter(({ sku }) => sku.includes(part))
    .reduce((total, line) => total + parseUsd(line.billed_cost), 0n)

/** Whole per cent, for a sentence and never for money. */
const share = (part: number, of: number): number => (of <= 0 ? 0 : Math.round((part / of) * 100))

function sum(lines: readonly ChargeLine[], name: 'list_cost' | 'contracted_cost' | 'billed_cost'): string {
  return formatUsd(lines.reduce((total, line) => total + parseUsd(line[name]), 0n))
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
