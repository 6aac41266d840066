// policies/prices.yaml -> PriceTerms: what our contract makes of list prices, and what teams are billed. Strict: what is
// not understood is refused with file, line and reason, never ignored.
import { basename } from 'node:path'
import { z } from 'zod'
import { PolicyFileError } from '../kernel/errors.ts'
import { calendarDay, readWhole } from '../kernel/policy-yaml.ts'
import { openYaml, type YamlPath } from '../kernel/yaml-source.ts'

/** One factor on a price, for what it names (null is everything) from `fromMs` until, and without, `untilMs`. */
export type Term = {
  readonly fromMs: number
  readonly untilMs: number | null
  readonly team: string | null
  /** `*` stands for any text. */
  readonly model: string | null
  readonly sku: string | null
  /** In `termFactorOne` parts: 0.9 is 9000n. */
  readonly factor: bigint
  /** Where it stands, `prices.yaml:12`. */
  readonly rule: string
}

/** Of entries that fit, the last one counts. */
export type PriceTerms = {
  /** Raised by whoever changes terms; every line that is charged names it. */
  readonly version: number
  /** list -> contracted. */
  readonly contract: readonly Term[]
  /** contracted -> billed. */
  readonly markups: readonly Term[]
}

/** Factors have four digits, so that a price of the book times two of them is still exact. */
export const termFactorOne = 10_000n

/** Without a file, list price is what is charged. */
export const noTerms: PriceTerms = { version: 0, contract: [], markups: [] }

const factorWords = 'must be a factor in quotes such as "0.9", with four digits after the point at most'
const factor = z
  .string(factorWords)
  .regex(/^\d{1,3}(\.\d{1,4})?$/, factorWords)
  .transform((text) => {
    const [whole = '', fraction = ''] = text.split('.')
    return BigInt(whole) * termFactorOne + BigInt(fraction.padEnd(4, '0'))
  })
const name = z.string('must be a name').regex(/^[^\p{Cc}]{1,256}$/u, 'must be a name of 1 to 256 characters')
const term = z.strictObject(
  {
    from: calendarDay,
    until: calendarDay.optional(),
    team: name.optional(),
    model: name.optional(),
    sku: name.optional(),
    factor,
    note: z.string('must be a text').max(256, 'must be 256 characters at most').optional(),
  },
  'must be an object with `from` and `factor`',
)
const terms = z.array(term, 'must be a list').nullish()
const version = z.int('must be a whole number').min(1, 'must be 1 or more').max(4_294_967_295, 'is too large')
const file = z
  .strictObject({ version: version.optional(), contract: terms, markups: terms }, 'must be an object')
  .nullable()

/**
 * Parses the text of prices.yaml; an empty file is valid and changes no price. Throws `PolicyFileError` with the line on
 * YAML errors, unknown or missing keys, what is no day or factor, an end before its beginning, and terms without a version.
 */
export function parsePrices(text: string, path: string): PriceTerms {
  const source = openYaml(text, path)
  const data = readWhole(source, file) ?? {}
  const read = (list: 'contract' | 'markups'): readonly Term[] =>
    (data[list] ?? []).map((entry, index) => {
      const at: YamlPath = [list, index]
      const { from, until = null } = entry
      if (until !== null && until <= from)
        source.fail([...at, 'until'], 'must be after `from`; it is not included')
      return {
        fromMs: from,
        untilMs: until,
        team: entry.team ?? null,
        model: entry.model ?? null,
        sku: entry.sku ?? null,
        factor: entry.factor,
        rule: `${basename(path)}:${source.lineOf(at)}`,
      }
    })
  const found = { contract: read('contract'), markups: read('markups') }
  if (data.version === undefined && found.contract.length + found.markups.length > 0) {
    return source.fail(
      [],
      'states terms without a `version`; begin with `version: 1` and raise it with every change',
    )
  }
  return { version: data.version ?? 0, ...found }
}

/**
 * `parsePrices` that remembers what it took last: other terms under the same version are refused, so that a version names
 * one set of terms as long as a gateway runs. Comments may change.
 */
export function createPricesReader(): typeof parsePrices {
  let last: PriceTerms | null = null
  return (text, path) => {
    const found = parsePrices(text, path)
    if (last !== null && last.version === found.version && meaningOf(last) !== meaningOf(found)) {
      const line = openYaml(text, path).lineOf(['version'])
      throw new PolicyFileError(path, line, `terms changed under version ${found.version}; raise \`version\``)
    }
    last = found
    return found
  }
}

/** Everything but where it stands. */
const meaningOf = ({ contract, markups }: PriceTerms): string =>
  JSON.stringify([contract, markups], (key, value) =>
    key === 'rule' ? undefined : typeof value === 'bigint' ? String(value) : value,
  )
