// What query strings of several reports have in common: times, words, and faults told by their parameter's name.
import { z } from 'zod'

/** A parameter that is given once. */
export const once = (expected: string) => z.string({ error: `must be given once, as ${expected}` })
/** One of these words. */
export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  once(`one of ${values.join(', ')}`).pipe(z.enum(values, `is not one of ${values.join(', ')}`))

/** A date or time. Without a zone it is UTC: the machine's own zone must not move a bill. */
export const instant = once('a date or time').transform((text, context): number => {
  const zoned = /T[^Z+-]*$/.test(text) ? `${text}Z` : text
  const isIso = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).safeParse(zoned).success
  if (isIso) return Date.parse(zoned)
  context.addIssue({
    code: 'custom',
    message: 'is neither a date such as `2026-01-31` nor a time such as `2026-01-31T12:00:00Z`',
  })
  return z.NEVER
})

/** What is wrong with a parameter, as a sentence that names it; `known` are those there are. */
export function faultsOf(issue: z.core.$ZodIssue, names: readonly string[]): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [`\`${issue.path.join('.')}\` ${issue.message}`]
  const known = names.join(', ')
  return issue.keys.map((key) => `\`${key.slice(0, 40)}\` is not a parameter; there are ${known}`)
}

/** The first moment of the calendar month (UTC) that `ms` lies in. */
export function startOfMonthMs(ms: number): number {
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}
