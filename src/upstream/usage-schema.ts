// Token counts and cumulative usage as the upstream states them (SDK 1.12.0 resources/beta/sessions).
// Loose in shape, strict in numbers: a count that is not a whole, non-negative, exact number is no count at all.
import { z } from 'zod'

const absentAsZero = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().transform((n) => n ?? 0)

const count = absentAsZero(z.number().int().nonnegative())

const tokensSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  // A model request says only the sum of its cache writes; snapshots divide it by time to live.
  cache_creation_input_tokens: count,
  cache_creation: z.object({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count }).nullish(),
})

const snapshotSchema = tokensSchema.extend({
  active_seconds: absentAsZero(z.number().nonnegative()),
  // Another currency, or an amount with a fraction, is not a number of US cents: then it is not known.
  list_cost: z
    .object({ amount: z.string().regex(/^\d{1,18}$/), currency: z.literal('USD') })
    .nullish()
    .catch(null),
  server_tool_use: z.object({ web_search_requests: count }).nullish(),
})

/**
 * Token counts of one model request or one cumulative snapshot; disjoint categories. A cache write without a stated time
 * to live counts as 5 minutes.
 */
export type UpstreamTokens = {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_input_tokens: number
  readonly cache_write_5m_input_tokens: number
  readonly cache_write_1h_input_tokens: number
}

/** A cumulative snapshot; `list_cost_cents` is the upstream's integer string, null while it has none. */
export type UpstreamUsage = UpstreamTokens & {
  readonly active_seconds: number
  readonly list_cost_cents: string | null
  readonly web_search_requests: number
}

/** The tokens of one model request (`model_usage`); null when it is not an object of exact counts. */
export function sightTokens(raw: unknown): UpstreamTokens | null {
  const parsed = tokensSchema.safeParse(raw)
  return parsed.success ? divide(parsed.data) : null
}

/** A session's or thread's cumulative usage; null when it is not an object of exact counts. */
export function sightUsage(raw: unknown): UpstreamUsage | null {
  const parsed = snapshotSchema.safeParse(raw)
  if (!parsed.success) return null
  const { active_seconds, list_cost, server_tool_use } = parsed.data
  return {
    ...divide(parsed.data),
    active_seconds,
    list_cost_cents: list_cost?.amount ?? null,
    web_search_requests: server_tool_use?.web_search_requests ?? 0,
  }
}

function divide(tokens: z.output<typeof tokensSchema>): UpstreamTokens {
  const divided = tokens.cache_creation
  return {
    input_tokens: tokens.input_tokens,
    output_tokens: tokens.output_tokens,
    cache_read_input_tokens: tokens.cache_read_input_tokens,
    cache_write_5m_input_tokens: divided?.ephemeral_5m_input_tokens ?? tokens.cache_creation_input_tokens,
    cache_write_1h_input_tokens: divided?.ephemeral_1h_input_tokens ?? 0,
  }
}
