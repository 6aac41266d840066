// What the admin listener answers, as the command line reads it: another version of us may be at the other end.
import { z } from 'zod'
import type { UsageLine } from '../price/usage-report.ts'

const count = z.number()
const usd = z.string()

const line = z.object({
  key: z.string(),
  bucket: z.string().nullable(),
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_5m_tokens: count,
  cache_write_1h_tokens: count,
  model_requests: count,
  unpriced_requests: count,
  running_ms: count,
  provisional_running_ms: count,
  idle_ms: count,
  // An older gateway does not tell these apart.
  waiting_ms: count.default(0),
  rescheduling_ms: count.default(0),
  web_search_requests: count,
  adjustments: count.default(0),
  sessions: count,
  cost_usd: usd,
  token_cost_usd: usd,
  adjustment_cost_usd: usd.default('0'),
  runtime_cost_usd: usd,
  web_search_cost_usd: usd,
}) satisfies z.ZodType<UsageLine>

/** The usage report; fields a newer listener adds are ignored. */
export const usageAnswer = z.object({
  group_by: z.string(),
  from: z.string(),
  to: z.string(),
  bucket: z.string().nullable(),
  lines: z.array(line),
  total: line,
})

export type UsageAnswer = z.infer<typeof usageAnswer>

/** The upstream's error envelope, which the admin listener uses too. */
export const errorAnswer = z.object({
  error: z.object({ message: z.string() }),
  request_id: z.string(),
})
