// What the YAML files of `policies/` have in common: days of the calendar, and one way to tell what is wrong and where.
import { z } from 'zod'
import type { YamlSource } from './yaml-source.ts'

const dayWords = 'must be a day such as 2026-11-01'

/** A UTC day as milliseconds since the epoch. */
export const calendarDay = z
  .string(dayWords)
  .regex(/^\d{4}-\d{2}-\d{2}$/, dayWords)
  .transform((text, context) => {
    const ms = Date.parse(text)
    // 31 February is no date, whatever JavaScript makes of it.
    if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
      context.addIssue({ code: 'custom', message: 'is no date of the calendar' })
    }
    return ms
  })

/** The file as the schema reads it. Throws `PolicyFileError` at the line of the first thing that is wrong. */
export function readWhole<T>(source: YamlSource, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(source.value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const odd = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const at = issue?.path ?? []
  if (odd !== undefined) return source.failAtKey([...at, odd], 'is not a key that is known here')
  return source.fail(at, issue?.message ?? 'is not valid')
}
