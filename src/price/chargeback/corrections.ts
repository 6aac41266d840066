// What a closed period turned out to have wrong, as lines of the period that is being closed: what was charged is taken
// back, and what is right is stated anew. Together they are the difference, and both can be read.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import { type ChargeLine, nameLine } from './charge-line.ts'

/**
 * Correction lines, none where nothing changed. `charged`: every line of any period whose use lies in the closed period,
 * corrections that were made before included; `now`: what its lines would be today. Pure.
 */
export function makeCorrections(given: {
  readonly period: string
  readonly corrects: string
  readonly charged: readonly ChargeLine[]
  readonly now: readonly ChargeLine[]
}): readonly ChargeLine[] {
  const before = byKey(given.charged)
  const after = byKey(given.now)
  const keys = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  const corrected = (line: ChargeLine, amount: Amount, reason: string): ChargeLine => {
    const { line_id: _old, ...rest } = line
    return nameLine({
      ...rest,
      ...told(amount),
      period: given.period,
      charge_class: 'Correction',
      corrects_period: given.corrects,
      reason,
    })
  }
  return keys.flatMap((key) => {
    const old = before.get(key)
    const fresh = after.get(key)
    if (isSame(old?.amount ?? nothing, fresh?.amount ?? nothing)) return []
    return [
      ...(old === undefined || isSame(old.amount, nothing)
        ? []
        : [corrected(old.line, negated(old.amount), `taken back: charged in ${given.corrects}`)]),
      ...(fresh === undefined || isSame(fresh.amount, nothing)
        ? []
        : [corrected(fresh.line, fresh.amount, `stated anew: as it is known now of ${given.corrects}`)]),
    ]
  })
}

type Amount = {
  readonly quantity: bigint
  readonly list: bigint
  readonly contracted: bigint
  readonly billed: bigint
}
type Summed = { readonly line: ChargeLine; readonly amount: Amount }

const nothing: Amount = { quantity: 0n, list: 0n, contracted: 0n, billed: 0n }

/** Sums by what names a line, so that a line, its reversal and its restatement are one amount. */
function byKey(lines: readonly ChargeLine[]): ReadonlyMap<string, Summed> {
  const sums = new Map<string, Summed>()
  for (const line of lines) {
    const { charge_period_start: start, charge_category: category, team, agent_id, agent_version } = line
    const key = JSON.stringify([
      start,
      category,
      team,
      agent_id,
      agent_version,
      line.model,
      line.environment_id,
      line.sku,
    ])
    const known = sums.get(key)
    sums.set(key, { line, amount: known === undefined ? amountOf(line) : plus(known.amount, amountOf(line)) })
  }
  return sums
}

function amountOf(line: ChargeLine): Amount {
  return {
    quantity: BigInt(line.quantity),
    list: parseUsd(line.list_cost),
    contracted: parseUsd(line.contracted_cost),
    billed: parseUsd(line.billed_cost),
  }
}

const plus = (a: Amount, b: Amount): Amount => ({
  quantity: a.quantity + b.quantity,
  list: a.list + b.list,
  contracted: a.contracted + b.contracted,
  billed: a.billed + b.billed,
})

const negated = (a: Amount): Amount => ({
  quantity: -a.quantity,
  list: -a.list,
  contracted: -a.contracted,
  billed: -a.billed,
})

/** To the last digit of quantity and of every cost. */
const isSame = (a: Amount, b: Amount): boolean =>
  a.quantity === b.quantity && a.list === b.list && a.contracted === b.contracted && a.billed === b.billed

const told = ({ quantity, list, contracted, billed }: Amount) => ({
  quantity: String(quantity),
  list_cost: formatUsd(list),
  contracted_cost: formatUsd(contracted),
  billed_cost: formatUsd(billed),
})
