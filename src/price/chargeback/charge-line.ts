// One line of what a team is charged: a quantity of one SKU on one day, with its owner and its three costs. Statements, the
// FOCUS export and corrections are made of such lines; closed lines never change.
import { createHash } from 'node:crypto'
import { canonicalJson } from '../../kernel/canonical-json.ts'

/** What names a line within its period; two lines of one period never share all of it and `charge_class`. */
export type ChargeKey = {
  /** When it was used: a UTC day, `2026-10-01`, and the day after. */
  readonly charge_period_start: string
  readonly charge_period_end: string
  readonly charge_category: 'Usage' | 'Adjustment' | 'Rounding'
  /** `UNALLOCATED` where nobody owns it: never dropped, never guessed. */
  readonly team: string
  readonly cost_centre: string
  readonly agent_id: string
  readonly agent_version: number
  readonly model: string
  readonly environment_id: string
  /** `src/price/sku.ts`; `adjustment/<reason>`; `rounding`. */
  readonly sku: string
}

/**
 * Money is an exact decimal string in US dollars (`formatUsd`), quantities are whole numbers of `unit` as text.
 * `list_cost = quantity / unit_size * list_unit_price`, rounded once, half-even, at 12 digits; what rounding leaves of a
 * team's period is a line of its own (`charge_category` `Rounding`).
 */
export type ChargeLine = ChargeKey & {
  /** Hash of all that the line says. */
  readonly line_id: string
  /** The billing period it belongs to, `2026-10`. */
  readonly period: string
  /** `Correction` for what a closed period turned out to have wrong: charged in the next one. */
  readonly charge_class: '' | 'Correction'
  /** The closed period that a correction takes back or states anew; '' otherwise. */
  readonly corrects_period: string
  readonly quantity: string
  readonly unit: 'Tokens' | 'Milliseconds' | 'Searches' | 'USD'
  /** How many units the unit prices are for. */
  readonly unit_size: string
  readonly rate_version: number
  readonly terms_version: number
  readonly list_unit_price: string
  readonly contracted_unit_price: string
  readonly billed_unit_price: string
  readonly list_cost: string
  readonly contracted_cost: string
  readonly billed_cost: string
  readonly currency: 'USD'
  /** Why there is an adjustment, a correction, or no price; '' otherwise. */
  readonly reason: string
}

/** Gives a line its id. Pure: the same line always has the same. */
export function nameLine(line: Omit<ChargeLine, 'line_id'>): ChargeLine {
  return { line_id: sha256(canonicalJson(line)).slice(0, 32), ...line }
}

/** One hash for a set of lines, in whatever order they come. */
export function hashLines(lines: readonly ChargeLine[]): string {
  return sha256(inOrder(lines).map(canonicalJson).join('\n'))
}

/** By day, team, SKU and the rest of what names them: the order they are told in. */
export function inOrder(lines: readonly ChargeLine[]): readonly ChargeLine[] {
  const keyed = lines.map((line) => ({
    line,
    key: [line.charge_period_start, line.team, line.agent_id, line.model, line.sku, line.line_id].join(
      '\u0000',
    ),
  }))
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ line }) => line)
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
