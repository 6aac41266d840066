// Lines as a FOCUS 1.4 cost and usage dataset (FinOps Open Cost and Usage Specification), a row a line: for tools that
// already read what clouds bill. Tokens are priced by the million, running time by the hour.
import { divideHalfEven } from '../../kernel/money.ts'
import type { ChargeLine } from './charge-line.ts'
import { nextPeriodStart } from './make-lines.ts'

/** The dataset's columns, in order; '' stands for null. `x_` columns are ours, as the specification asks of such. */
export const focusColumns = [
  ...['BilledCost', 'BillingAccountId', 'BillingAccountName', 'BillingCurrency', 'BillingPeriodEnd'],
  ...['BillingPeriodStart', 'ChargeCategory', 'ChargeClass', 'ChargeDescription', 'ChargeFrequency'],
  ...['ChargePeriodEnd', 'ChargePeriodStart', 'ConsumedQuantity', 'ConsumedUnit', 'ContractedCost'],
  ...[
    'ContractedUnitPrice',
    'EffectiveCost',
    'HostProviderName',
    'InvoiceId',
    'InvoiceIssuerName',
    'ListCost',
  ],
  ...['ListUnitPrice', 'PricingCategory', 'PricingQuantity', 'PricingUnit', 'ResourceId', 'ResourceName'],
  ...['ResourceType', 'ServiceCategory', 'ServiceName', 'ServiceProviderName', 'SkuId', 'SkuMeter'],
  ...['SkuPriceId', 'SubAccountId', 'SubAccountName', 'SubAccountType', 'Tags', 'x_CorrectsPeriod'],
  ...['x_CostCentre', 'x_LineId', 'x_RateVersion', 'x_TermsVersion'],
] as const

export type FocusRow = Readonly<Record<(typeof focusColumns)[number], string>>

/** Where the rows come from: the organisation that is billed, and the bill they stand on ('' while the month is open). */
export type FocusBill = { readonly billingAccountId: string; readonly invoiceId: string }

/** One row. Pure: the same line is always the same row. */
export function toFocusRow(line: ChargeLine, { billingAccountId, invoiceId }: FocusBill): FocusRow {
  const isUsage = line.charge_category === 'Usage'
  const isPlain = line.charge_class === ''
  const { unit, quantity } = pricingOf(line)
  // What a correction or an adjustment is has no unit price of its own.
  const priced = (text: string): string => (isUsage && isPlain ? text : '')
  return {
    BilledCost: line.billed_cost,
    BillingAccountId: billingAccountId,
    BillingAccountName: billingAccountId,
    BillingCurrency: line.currency,
    BillingPeriodEnd: midnight(nextPeriodStart(line.period)),
    BillingPeriodStart: midnight(`${line.period}-01`),
    ChargeCategory: isUsage ? 'Usage' : 'Adjustment',
    ChargeClass: line.charge_class,
    ChargeDescription: describe(line),
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: midnight(line.charge_period_end),
    ChargePeriodStart: midnight(line.charge_period_start),
    ConsumedQuantity: priced(consumedOf(line).quantity),
    ConsumedUnit: priced(consumedOf(line).unit),
    ContractedCost: line.contracted_cost,
    ContractedUnitPrice: priced(line.contracted_unit_price),
    EffectiveCost: line.billed_cost,
    HostProviderName: 'Anthropic',
    InvoiceId: invoiceId,
    InvoiceIssuerName: billingAccountId,
    ListCost: line.list_cost,
    ListUnitPrice: priced(line.list_unit_price),
    PricingCategory: isUsage ? 'Standard' : '',
    PricingQuantity: priced(quantity),
    PricingUnit: priced(unit),
    ResourceId: line.agent_id,
    ResourceName: line.agent_id === '' ? '' : `${line.agent_id}@${line.agent_version}`,
    ResourceType: line.agent_id === '' ? '' : 'Agent',
    ServiceCategory: 'AI and Machine Learning',
    ServiceName: line.agent_id === '' ? 'Claude API' : 'Claude Managed Agents',
    ServiceProviderName: 'Anthropic',
    SkuId: isUsage ? line.sku : '',
    SkuMeter: isUsage ? meterOf(line) : '',
    SkuPriceId: isUsage ? line.sku : '',
    SubAccountId: line.team,
    SubAccountName: line.team,
    SubAccountType: 'Team',
    Tags: JSON.stringify(tagsOf(line)),
    x_CorrectsPeriod: line.corrects_period,
    x_CostCentre: line.cost_centre,
    x_LineId: line.line_id,
    x_RateVersion: String(line.rate_version),
    x_TermsVersion: String(line.terms_version),
  }
}

function pricingOf({ unit, quantity, unit_size }: ChargeLine): {
  readonly unit: string
  readonly quantity: string
} {
  const names = { Tokens: '1M Tokens', Milliseconds: 'Hours', Searches: 'Searches', USD: 'USD' } as const
  return { unit: names[unit], quantity: quotient(BigInt(quantity), BigInt(unit_size)) }
}

function consumedOf({ unit, quantity }: ChargeLine): { readonly unit: string; readonly quantity: string } {
  if (unit === 'Milliseconds') return { unit: 'Seconds', quantity: quotient(BigInt(quantity), 1000n) }
  return { unit, quantity }
}

const digits = 18
const scale = 10n ** BigInt(digits)

/** A decimal of so many digits that times a unit price it is the cost again, at the cost's twelve. */
function quotient(numerator: bigint, denominator: bigint): string {
  const scaled = divideHalfEven(numerator * scale, denominator)
  const size = scaled < 0n ? -scaled : scaled
  const fraction = (size % scale).toString().padStart(digits, '0').replace(/0+$/, '')
  return `${scaled < 0n ? '-' : ''}${size / scale}${fraction === '' ? '' : `.${fraction}`}`
}

function describe(line: ChargeLine): string {
  if (line.charge_category === 'Rounding') return 'What rounding each line left of the whole'
  const what = line.sku === 'session-hour' ? 'Running time of sessions' : line.sku
  return line.reason === '' ? what : `${what}: ${line.reason}`
}

function meterOf({ sku, unit }: ChargeLine): string {
  if (unit === 'Milliseconds') return 'Running time'
  return unit === 'Searches'
    ? 'Web searches'
    : `Tokens, ${sku.slice(sku.lastIndexOf(':') + 1).replaceAll('_', ' ')}`
}

function tagsOf({ environment_id, model, agent_version, agent_id }: ChargeLine): object {
  const tags = { environment_id, model, agent_version: agent_id === '' ? '' : String(agent_version) }
  return Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== ''))
}

const midnight = (day: string): string => `${day}T00:00:00Z`
