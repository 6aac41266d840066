// What the gateway of a storm tells the process that storms it.
import { z } from 'zod'

const holdings = {
  openExchanges: z.number(),
  clientSockets: z.number(),
  upstreamSockets: z.number(),
  /** Queued or running in the pools. */
  upstreamCalls: z.number(),
  /** As the metrics have it. */
  openStreams: z.number(),
  journalBytes: z.number(),
  /** Seen so far. */
  sightings: z.number(),
}

export const fromChild = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), url: z.string() }),
  z.object({
    kind: z.literal('settled'),
    /** The user agent of the request, which names it. */
    tag: z.string(),
    end_reason: z.string(),
    status: z.number(),
    error_code: z.string(),
  }),
  z.object({ kind: z.literal('holdings'), ...holdings }),
  z.object({ kind: z.literal('heap'), bytes: z.number() }),
])

export type FromChild = z.infer<typeof fromChild>
export type Settled = Extract<FromChild, { kind: 'settled' }>
export type Holdings = Omit<Extract<FromChild, { kind: 'holdings' }>, 'kind'>
