// What of a session or thread object tells whether anything happened that costs: two equal keys, and nothing did.
import { createHash } from 'node:crypto'
import { z } from 'zod'

const schema = z.object({
  status: z.string().catch(''),
  archived_at: z.string().nullish().catch(null),
  updated_at: z.string().nullish().catch(null),
  // As it is: a new kind of count is a change, too. `stats` is left out, it counts the time that passes.
  usage: z.unknown(),
})

/** A digest of status, times and cumulative usage of a raw session or thread; '' when it is neither. */
export function stateKeyOf(raw: unknown): string {
  const parsed = schema.safeParse(raw)
  if (!parsed.success) return ''
  const { status, archived_at, updated_at, usage } = parsed.data
  return createHash('sha256')
    .update(JSON.stringify([status, archived_at ?? null, updated_at ?? null, usage ?? null]))
    .digest('hex')
    .slice(0, 32)
}

/** True while it runs, or waits to run again by itself. */
export function isAtWork(status: string): boolean {
  return status === 'running' || status === 'rescheduling'
}
