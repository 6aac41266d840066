// policies/budgets.yaml -> Budgets: who may use how much in which time, and what happens then. Strict: what is not understood
// is refused with file, line and reason, never ignored.
import { basename } from 'node:path'
import { z } from 'zod'
import { parseUsd } from '../../kernel/money.ts'
import { calendarDay, readWhole } from '../../kernel/policy-yaml.ts'
import { openYaml, type YamlPath } from '../../kernel/yaml-source.ts'

/** Each value of this dimension has the whole limit for itself. */
export const budgetPers = ['team', 'caller', 'agent', 'model', 'session'] as const
export type BudgetPer = (typeof budgetPers)[number]

/** UTC: `total` has no end; a span has both. */
export type BudgetPeriod =
  | 'day'
  | 'week'
  | 'month'
  | 'total'
  | { readonly fromMs: number; readonly untilMs: number }

/** Money in pico-dollars, tokens of all categories, or running milliseconds. */
export type BudgetMeasure = 'list_usd' | 'billed_usd' | 'tokens' | 'running_ms'

export type Budget = {
  readonly name: string
  /** Of all that is used, only what is theirs; null is everybody's. */
  readonly team: string | null
  readonly caller: string | null
  readonly agent: string | null
  readonly model: string | null
  /** Null: one limit for all of it together. */
  readonly per: BudgetPer | null
  readonly period: BudgetPeriod
  readonly measure: BudgetMeasure
  readonly limit: bigint
  /** Rising, per cent. */
  readonly warnAt: readonly number[]
  /** `warn` stops nothing; `refuse` refuses new work; `interrupt` also interrupts what runs. */
  readonly onReach: 'warn' | 'refuse' | 'interrupt'
  /** Of money: the most one session gets at its creation, in cents; null is a tenth of the limit. */
  readonly perSessionCents: bigint | null
  /** Where it stands, `budgets.yaml:12`. */
  readonly rule: string
}

export type Budgets = {
  readonly budgets: readonly Budget[]
  /** How long a session at rest keeps what it may still spend. */
  readonly idleHoldMs: number
}

/** Without a file nothing has a limit. */
export const noBudgets: Budgets = { budgets: [], idleHoldMs: 15 * 60_000 }

const picoPerCent = 10_000_000_000n
const name = z
  .string('must be a name')
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, `.`, `_` or `-`')
const named = z.string('must be a name').regex(/^[^\p{Cc}]{1,256}$/u, 'must be a name of 1 to 256 characters')
const usdWords = 'must be an amount of US dollars in quotes with whole cents, such as "500.00"'
const usd = z
  .string(usdWords)
  .regex(/^\d{1,9}(\.\d{1,2})?$/, usdWords)
  .transform(parseUsd)
  .refine((pico) => pico > 0n, 'must be above zero; to forbid something, write a rule in policy.csv')
const hours = z
  .string('must be hours in quotes, such as "40" or "2.5"')
  .regex(/^\d{1,7}(\.\d{1,3})?$/, 'must be hours in quotes, such as "40" or "2.5"')
  .transform((text) => (parseUsd(text) * 3_600_000n) / parseUsd('1'))
  .refine((ms) => ms > 0n, 'must be above zero')
const words = ['day', 'week', 'month', 'total'] as const
const period = z.union(
  [z.enum(words), z.strictObject({ from: calendarDay, until: calendarDay })],
  'must be day, week, month or total, or an object with `from` and `until`, days of the calendar',
)
const entry = z.strictObject(
  {
    name,
    team: named.optional(),
    caller: named.optional(),
    agent: named.optional(),
    model: named.optional(),
    per: z.enum(budgetPers, `must be one of ${budgetPers.join(', ')}`).optional(),
    period: period.optional(),
    usd: usd.optional(),
    cost: z.enum(['list', 'billed'], 'must be list or billed').optional(),
    tokens: z.int('must be a whole number').min(1, 'must be 1 or more').optional(),
    running_hours: hours.optional(),
    warn_at: z
      .array(
        z.int('must be per cent, a whole number').min(1, 'must be 1 or more').max(100, 'must be 100 or less'),
        'must be a list of per cents',
      )
      .max(10, 'has more than 10 entries')
      .optional(),
    on_reach: z.enum(['warn', 'refuse', 'interrupt'], 'must be warn, refuse or interrupt').default('refuse'),
    per_session_usd: usd.optional(),
    note: z.string('must be a text').max(256, 'must be 256 characters at most').optional(),
  },
  'must be an object with `name` and a limit',
)
const file = z
  .strictObject(
    {
      idle_hold_minutes: z
        .int('must be whole minutes')
        .min(0, 'must be 0 or more')
        .max(10_080, 'must be a week or less')
        .optional(),
      budgets: z.array(entry, 'must be a list').max(1_000, 'has more than 1,000 entries').nullish(),
    },
    'must be an object',
  )
  .nullable()
type Entry = z.output<typeof entry>

/**
 * Parses the text of budgets.yaml; an empty file is valid and limits nothing. Throws `PolicyFileError` with the line on YAML
 * errors, unknown or missing keys, two budgets of one name, none or two limits, and a period that ends before it begins.
 */
export function parseBudgets(text: string, path: string): Budgets {
  const source = openYaml(text, path)
  const data = readWhole(source, file) ?? {}
  const seen = new Set<string>()
  const budgets = (data.budgets ?? []).map((given, index) => {
    const at: YamlPath = ['budgets', index]
    const wrong = faultOf(given, seen.has(given.name))
    if (wrong !== null) return source.fail([...at, ...wrong.at], wrong.reason)
    seen.add(given.name)
    return toBudget(given, `${basename(path)}:${source.lineOf(at)}`)
  })
  const { idle_hold_minutes: minutes } = data
  return { budgets, idleHoldMs: minutes === undefined ? noBudgets.idleHoldMs : minutes * 60_000 }
}

function faultOf(
  given: Entry,
  isKnown: boolean,
): { readonly at: readonly string[]; readonly reason: string } | null {
  if (isKnown) return { at: ['name'], reason: 'is the name of another budget, too' }
  const limits = [given.usd, given.tokens, given.running_hours].filter((each) => each !== undefined)
  if (limits.length !== 1)
    return { at: [], reason: 'must have one of `usd`, `tokens` and `running_hours`, and only one' }
  for (const key of ['cost', 'per_session_usd'] as const) {
    if (given[key] !== undefined && given.usd === undefined)
      return { at: [key], reason: 'is for a budget of `usd` alone' }
  }
  if (given.per === 'session' && (given.period ?? 'total') !== 'total')
    return { at: ['period'], reason: 'is not for a budget of each session, which holds as long as it lives' }
  if (given.per !== 'session' && given.period === undefined)
    return { at: [], reason: 'must have a `period`: day, week, month, total, or `from` and `until`' }
  if (typeof given.period === 'object' && given.period.until <= given.period.from)
    return { at: ['period', 'until'], reason: 'must be after `from`; it is not included' }
  if (given.per !== undefined && given.per !== 'session' && given[given.per] !== undefined)
    return { at: ['per'], reason: `cannot be \`${given.per}\` where \`${given.per}\` names one` }
  if (given.on_reach === 'warn' && given.per_session_usd !== undefined)
    return { at: ['per_session_usd'], reason: 'has no effect with `on_reach: warn`, which limits nothing' }
  return null
}

function toBudget(given: Entry, rule: string): Budget {
  const { period: asked = 'total' } = given
  const [measure, limit] = measured(given)
  return {
    name: given.name,
    team: given.team ?? null,
    caller: given.caller ?? null,
    agent: given.agent ?? null,
    model: given.model ?? null,
    per: given.per ?? null,
    period: typeof asked === 'object' ? { fromMs: asked.from, untilMs: asked.until } : asked,
    measure,
    limit,
    warnAt: [...new Set(given.warn_at ?? [50, 75, 90])].toSorted((a, b) => a - b),
    onReach: given.on_reach,
    perSessionCents: given.per_session_usd === undefined ? null : given.per_session_usd / picoPerCent,
    rule,
  }
}

function measured({ usd: money, tokens, running_hours: ms, cost }: Entry): [BudgetMeasure, bigint] {
  if (money !== undefined) return [cost === 'billed' ? 'billed_usd' : 'list_usd', money]
  if (tokens !== undefined) return ['tokens', BigInt(tokens)]
  return ['running_ms', ms ?? 0n]
}
