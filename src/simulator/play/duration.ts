// Lengths of time as people write them in scenario files: `250ms`, `4s`, `2m`, `1h30m`, or plain milliseconds.

import { z } from 'zod'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const whole = /^(\d+(ms|s|m|h))+$/

/** A length of time, read into whole milliseconds. */
export const duration = z
  .union([z.int().min(0), z.string().regex(whole, 'a length of time, as `250ms`, `4s`, `2m` or `1h30m`')])
  .transform((given): number => {
    if (typeof given === 'number') return given
    const parts = [...given.matchAll(/(\d+)(ms|s|m|h)/g)]
    return parts.reduce((sum, [, count, unit = 'ms']) => sum + Number(count) * (unitMs[unit] ?? 1), 0)
  })
