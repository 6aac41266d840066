// The query string of the usage report, read strictly: every fault is told by its parameter's name.
import { z } from 'zod'
import { TollgateError } from '../kernel/errors.ts'
import { usageGroups } from '../ledger/queries/usage.ts'
import type { UsageQuery } from '../price/usage-report.ts'

const msPerDay = 86_400_000

/** Days one report may span: an answer is held in memory, keys times buckets of it. */
const daysMax = { hour: 92, day: 1_100, none: 3_660 }

const once = (expected: string) => z.string({ error: `must be given once, as ${expected}` })
const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  once(`one of ${values.join(', ')}`).pipe(z.enum(values, `is not one of ${values.join(', ')}`))

// Without a zone the time is UTC; the machine's own zone must not move a bill.
const instant = once('a date or time').transform((text, context): number => {
  const zoned = /T[^Z+-]*$/.test(text) ? `${text}Z` : text
  const isIso = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).safeParse(zoned).success
  if (isIso) return Date.parse(zoned)
  context.addIssue({
    code: 'custom',
    message: 'is neither a date such as `2026-01-31` nor a time such as `2026-01-31T12:00:00Z`',
  })
  return z.NEVER
})

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
  if (!result.success) throw invalid(result.error.issues.flatMap((issue) => faultsOf(issue)))
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

function faultsOf(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [`\`${issue.path.join('.')}\` ${issue.message}`]
  const known = Object.keys(schema.shape).join(', ')
  return issue.keys.map((key) => `\`${key.slice(0, 40)}\` is not a parameter; there are ${known}`)
}

const invalid = (faults: readonly string[]) => new TollgateError('show.query_invalid', faults.join('; '))

const iso = (ms: number) => new Date(ms).toISOString()

function startOfMonthMs(ms: number): number {
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}
