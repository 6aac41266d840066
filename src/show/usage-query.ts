// The query string of the usage report, read strictly: every fault is told by its parameter's name.
import { z } from 'zod'
import { TollgateError } from '../kernel/errors.ts'
import { usageGroups } from '../ledger/queries/usage.ts'
import type { UsageQuery } from '../price/usage-report.ts'
import { faultsOf, instant, oneOf, startOfMonthMs } from './parameters.ts'

const msPerDay = 86_400_000

/** Days one report may span: an answer is held in memory, keys times buckets of it. */
const daysMax = { hour: 92, day: 1_100, none: 3_660 }

const schema = z.strictObject({
  group_by: oneOf(usageGroups).default('team'),
  from: instant.optional(),
  to: instant.optional(),
  bucket: oneOf(['hour', 'day']).optional(),
  format: oneOf(['json', 'csv']).optional(),
})

export type UsageRequest = { readonly query: UsageQuery; readonly format: 'json' | 'csv' | undefined }

/**
 * Reads the parsed query string. `from` is inclusive and `to` exclusive; without them the report covers the
 * calendar month (UTC) up to now, with only `to` the month that ends there.
 * Throws TollgateError('show.query_invalid') naming every parameter that is wrong.
 */
export function parseUsageQuery(params: unknown, nowMs: number): UsageRequest {
  const result = schema.safeParse(params)
  if (!result.success)
    throw invalid(result.error.issues.flatMap((issue) => faultsOf(issue, Object.keys(schema.shape))))
  const { group_by: groupBy, bucket, format } = result.data
  const toMs = result.data.to ?? nowMs
  const fromMs = result.data.from ?? startOfMonthMs(toMs - 1)
  const spanMax = daysMax[bucket ?? 'none']
  if (fromMs >= toMs) {
    throw invalid([`\`from\` (${iso(fromMs)}) must be before \`to\` (${iso(toMs)}), which is not included`])
  }
  if (toMs - fromMs > spanMax * msPerDay) {
    const advice = bucket === 'hour' ? 'ask for less, or `bucket=day`' : 'ask for less'
    throw invalid([`\`from\` to \`to\` spans more than ${spanMax} days; ${advice}`])
  }
  const query = { groupBy, fromMs, toMs }
  return { query: bucket === undefined ? query : { ...query, bucket }, format }
}

const invalid = (faults: readonly string[]) => new TollgateError('show.query_invalid', faults.join('; '))

const iso = (ms: number) => new Date(ms).toISOString()
