// L3: each day of each session and product against the provider's own cost report, and what of it never passed here.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { UsageLine } from '../usage-report.ts'
import {
  blankDifference,
  type Compared,
  conclude,
  type Difference,
  type Reason,
  sizeOf,
} from './difference.ts'
import type { ProviderCost } from './provider-cost.ts'

/** What the ledger has: the usage report by session and day, list cost. */
export type LedgerDays = readonly Pick<UsageLine, 'key' | 'bucket' | 'cost_usd' | 'unpriced_requests'>[]

export type DaysInput = {
  readonly ledger: LedgerDays
  readonly provider: readonly ProviderCost[]
  /** Sessions the ledger knows of at all, whatever they cost. */
  readonly isKnown: (sessionId: string) => boolean
  /** Days from this on (`2026-10-31`) the provider may still change. */
  readonly notFinalFrom: string
}

const cent = 10_000_000_000n
/** Rounding at the twelfth digit, once for every piece of running time. */
const roundingPico = 1_000_000n
const messagesProduct = 'messages_api'
const sessionsProduct = 'managed_agents_api'

type Cell = {
  readonly day: string
  readonly sessionId: string
  readonly product: string
  workspaceId: string
  ledger: bigint
  provider: bigint
  unpriced: number
  inLedger: boolean
  inProvider: boolean
}

/** Holds both against each other, day by day. */
export function compareDays(input: DaysInput): Compared {
  const cells = gather(input)
  const differences = cells.flatMap((cell) => differenceOf(cell, input))
  return conclude('L3', cells.length, differences)
}

/** A session is compared by itself; calls outside of sessions by product and day. */
function gather({ ledger, provider }: DaysInput): readonly Cell[] {
  const cells = new Map<string, Cell>()
  const cellOf = (day: string, sessionId: string, product: string): Cell => {
    const key = [day, sessionId, product].join('\n')
    const known = cells.get(key)
    if (known !== undefined) return known
    const made: Cell = {
      ...{ day, sessionId, product, workspaceId: '' },
      ...{ ledger: 0n, provider: 0n, unpriced: 0, inLedger: false, inProvider: false },
    }
    cells.set(key, made)
    return made
  }
  for (const line of ledger) {
    const isMessage = line.key.startsWith('messages/')
    const cell = cellOf(
      (line.bucket ?? '').slice(0, 10),
      isMessage ? '' : line.key,
      isMessage ? messagesProduct : sessionsProduct,
    )
    cell.ledger += parseUsd(line.cost_usd)
    cell.unpriced += line.unpriced_requests
    cell.inLedger ||= parseUsd(line.cost_usd) !== 0n || line.unpriced_requests > 0
  }
  for (const cost of provider) {
    const cell = cellOf(cost.day, cost.sessionId, cost.sessionId === '' ? cost.product : sessionsProduct)
    cell.workspaceId = cost.workspaceId
    cell.provider += cost.listPicoUsd
    cell.inProvider = true
  }
  return [...cells.values()]
    .filter(({ inLedger, inProvider }) => inLedger || inProvider)
    .toSorted(
      (a, b) => compare(a.day, b.day) || compare(a.product, b.product) || compare(a.sessionId, b.sessionId),
    )
}

function differenceOf(cell: Cell, input: DaysInput): readonly Difference[] {
  const off = cell.ledger - cell.provider
  if (off === 0n && cell.unpriced === 0) return []
  const said = `the ledger has ${formatUsd(cell.ledger)}, the provider ${formatUsd(cell.provider)}`
  const reason = reasonOf(cell, off, input)
  return [
    {
      ...blankDifference,
      level: 'L3',
      reason,
      day: cell.day,
      sessionId: cell.sessionId,
      workspaceId: cell.workspaceId,
      product: cell.product,
      ledgerPicoUsd: cell.ledger,
      providerPicoUsd: cell.provider,
      detail: cell.unpriced > 0 ? `${said}; ${cell.unpriced} requests of it have no price` : said,
    },
  ]
}

function reasonOf(cell: Cell, off: bigint, { isKnown, notFinalFrom }: DaysInput): Reason {
  if (cell.unpriced > 0) return 'unpriced'
  if (sizeOf(off) <= roundingPico) return 'rounding'
  if (cell.sessionId !== '' && !cell.inLedger && !isKnown(cell.sessionId)) return 'dark_session'
  if (cell.product !== messagesProduct && cell.sessionId === '') return 'other_product'
  if (cell.product === messagesProduct && off < 0n) return 'messages_elsewhere'
  if (cell.day >= notFinalFrom) return 'not_final'
  if (!cell.inProvider) return 'unknown_to_provider'
  if (sizeOf(off) <= cent) return 'rounding'
  return off < 0n ? 'missed_usage' : 'too_much'
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const fiveDollars = 5_000_000_000_000n

/** Whether a day of a workspace ties: within half a percent, and less than five dollars. */
export const tiesAsDay = (ledgerPicoUsd: bigint, providerPicoUsd: bigint): boolean => {
  const off = sizeOf(ledgerPicoUsd - providerPicoUsd)
  return off === 0n || (off * 200n <= sizeOf(providerPicoUsd) && off < fiveDollars)
}
