// One line of what a team is charged: a quantity of one SKU on one day, with its owner and its four costs. Statements, the
// FOCUS export and corrections are made of such lines; closed lines never change.

/**
 * Money is an exact decimal string in US dollars (`formatUsd`), quantities are exact decimal strings in `unit`.
 * `list_cost = quantity / unit_size * list_unit_price`, rounded once, half-even, at 12 digits; what rounding leaves of a
 * period is a line of its own (`charge_category` `Rounding`).
 */
export type ChargeLine = {
  /** Hash of everything that names the line: period, days, owner, SKU, versions of price and terms, class, what it corrects. */
  readonly line_id: string
  /** The billing period the line belongs to, `2026-10`. */
  readonly period: string
  /** When it was used: a UTC day, `2026-10-01` to the day after. */
  readonly charge_period_start: string
  readonly charge_period_end: string
  readonly charge_category: 'Usage' | 'Adjustment' | 'Allocation' | 'Rounding'
  /** `Correction` for what a closed period turned out to have wrong: charged in the next open one. */
  readonly charge_class: '' | 'Correction'
  /** The line that a correction takes back or restates; '' otherwise. */
  readonly corrects_line_id: string
  /** `UNALLOCATED` where nobody owns it: never dropped, never guessed. */
  readonly team: string
  readonly cost_centre: string
  readonly agent_id: string
  readonly agent_version: number
  readonly model: string
  readonly environment_id: string
  /** `src/price/sku.ts`. */
  readonly sku: string
  readonly quantity: string
  readonly unit: 'Tokens' | 'Hours' | 'Searches' | 'USD'
  /** How many units the unit price is for: `1000000` tokens, `1` hour, `1` search. */
  readonly unit_size: string
  readonly rate_version: number
  readonly terms_version: number
  readonly list_unit_price: string
  readonly contracted_unit_price: string
  readonly billed_unit_price: string
  readonly list_cost: string
  readonly contracted_cost: string
  readonly billed_cost: string
  readonly effective_cost: string
  readonly currency: 'USD'
  /** How a shared cost came to this team: '', `even`, `proportional` or `fixed`. */
  readonly allocation_method: string
  readonly allocation_ratio: string
  /** Why there is an adjustment or a correction, for people; '' otherwise. */
  readonly reason: string
}
