// The price book: dated list prices with their sources, read from YAML and checked once, so that pricing cannot fail.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { PolicyFileError } from '../kernel/errors.ts'
import { parseUsd } from '../kernel/money.ts'

/**
 * US dollars per million tokens, at most 3 fraction digits: then a token costs a whole multiple of 1,000
 * pico-dollars, and a multiplier of at most 3 fraction digits keeps it whole. No rounding anywhere.
 */
const usdPerMillion = z
  .string()
  .regex(/^\d+(\.\d{1,3})?$/)
  .transform((text) => parseUsd(text) / 1_000_000n)
const usd = z
  .string()
  .regex(/^\d+(\.\d{1,12})?$/)
  .transform(parseUsd)
const day = z.iso.date().transform((text) => Date.parse(`${text}T00:00:00Z`))

const rates = {
  input: usdPerMillion,
  cache_write_5m: usdPerMillion,
  cache_write_1h: usdPerMillion,
  cache_read: usdPerMillion,
  output: usdPerMillion,
}
const dated = { effective_from: day, source: z.string() }

const modelSchema = z.strictObject({
  model: z.string().min(1),
  aliases: z.array(z.string().min(1)).default([]),
  fast_runs_standard: z.boolean().default(false),
  us_inference: z.boolean().default(true),
  prices: z
    .array(
      z.strictObject({
        ...dated,
        tiers: z.array(z.strictObject({ prompt_tokens_max: z.int().positive().optional(), ...rates })).min(1),
        fast: z.strictObject(rates).optional(),
      }),
    )
    .min(1),
})

const bookSchema = z.strictObject({
  currency: z.literal('USD'),
  sources: z.record(z.string(), z.string()),
  default_inference_geo: z.enum(['global', 'us']),
  /** Kept in thousandths: `1.1` is 1100n. */
  us_inference_multiplier: z
    .string()
    .regex(/^\d+(\.\d{1,3})?$/)
    .transform((text) => parseUsd(text) / 1_000_000_000n),
  session_hour: z.array(z.strictObject({ ...dated, usd })).min(1),
  web_search: z.array(z.strictObject({ ...dated, usd_per_search: usd })).min(1),
  models: z.array(modelSchema).min(1),
})

/** One model's prices. Rates are pico-dollars per token; `effective_from` is milliseconds since the epoch. */
export type ModelPrices = z.output<typeof modelSchema>
export type DatedPrice = ModelPrices['prices'][number]
/** Pico-dollars per token of each disjoint token category. */
export type TokenRates = Pick<DatedPrice['tiers'][number], keyof typeof rates>
export type Book = z.output<typeof bookSchema>

/** The list prices shipped with Tollgate. */
export const shippedBookPath = fileURLToPath(new URL('./book.yaml', import.meta.url))

/** Reads and checks a price book. Throws `PolicyFileError` naming the entry when it cannot be used. */
export function loadBook(path: string = shippedBookPath): Book {
  return parseBook(readFileSync(path, 'utf8'), path)
}

/** The book for a workspace whose default geography is known; null leaves it as the book has it. */
export const inWorkspace = (book: Book, geo: Book['default_inference_geo'] | null): Book =>
  geo === null ? book : { ...book, default_inference_geo: geo }

/** Checks the text of a price book; `file` names it in errors. Throws `PolicyFileError`. */
export function parseBook(text: string, file: string): Book {
  const document = parseDocument(text)
  const [fault] = document.errors
  if (fault !== undefined) throw new PolicyFileError(file, fault.linePos?.[0].line ?? 0, fault.message)
  const parsed = bookSchema.safeParse(document.toJS())
  if (!parsed.success) throw new PolicyFileError(file, 0, z.prettifyError(parsed.error))
  const problem = findProblem(parsed.data)
  if (problem !== null) throw new PolicyFileError(file, 0, problem)
  return parsed.data
}

function findProblem(book: Book): string | null {
  const names = book.models.flatMap((entry) => [entry.model, ...entry.aliases])
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) return `model \`${repeated}\` has two entries; keep one`
  const series = [book.session_hour, book.web_search, ...book.models.map((entry) => entry.prices)]
  for (const prices of series) {
    const fault = findSeriesProblem(book, prices)
    if (fault !== null) return fault
  }
  for (const { model, prices } of book.models) {
    const limits = prices.map((price) =>
      price.tiers.map((tier) => tier.prompt_tokens_max ?? Number.POSITIVE_INFINITY),
    )
    const whole = limits.every(
      (maxima) =>
        maxima.at(-1) === Number.POSITIVE_INFINITY &&
        maxima.every((max, i) => i === 0 || max > (maxima[i - 1] ?? 0)),
    )
    if (!whole) return `tiers of \`${model}\` must rise by prompt_tokens_max and end with one that has none`
  }
  return null
}

function findSeriesProblem(
  book: Book,
  prices: readonly { readonly effective_from: number; readonly source: string }[],
): string | null {
  for (const [index, price] of prices.entries()) {
    if (book.sources[price.source] === undefined) return `source \`${price.source}\` is not listed in sources`
    const previous = prices[index - 1]
    if (previous !== undefined && previous.effective_from >= price.effective_from) {
      return `effective_from ${new Date(price.effective_from).toISOString()} must be later than the row before it`
    }
  }
  return null
}
