// What the gateway and its drain process say to each other over the fork's channel.
import { z } from 'zod'

const position = z.strictObject({ segment: z.int().nonnegative(), offset: z.int().nonnegative() })
const durable = z.strictObject({
  cursor: position,
  segments: z.array(z.tuple([z.int(), z.int()]).readonly()).readonly(),
})

const receiver = z.strictObject({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  protocol: z.enum(['http/protobuf', 'http/json']),
  resourceAttributes: z.record(z.string(), z.string()),
})

const start = z.strictObject({
  kind: z.literal('start'),
  /** The journal's folder, and what of it is durable. */
  dir: z.string(),
  durable,
  connection: z.strictObject({
    url: z.string(),
    username: z.string(),
    password: z.string(),
    socketPath: z.string().nullable(),
  }),
  cluster: z.string().nullable(),
  /** Where a request runs that says nothing of it; null is as the price book has it. */
  defaultInferenceGeo: z.enum(['global', 'us']).nullable(),
  audit: z.strictObject({
    /** Keys and state of the audit log. */
    dir: z.string(),
    checkpointMs: z.number(),
    anchorDir: z.string().nullable(),
    anchorGitDir: z.string().nullable(),
  }),
  /** Where sessions are exported to; null: nowhere. */
  traces: z
    .strictObject({
      dir: z.string(),
      mode: z.enum(['full', 'governance', 'off']),
      version: z.string(),
      traces: receiver.nullable(),
      logs: receiver.nullable(),
      /** Other gateways export from the same ledger. */
      isShared: z.boolean(),
    })
    .nullable(),
  logLevel: z.string(),
})

/** From the gateway. */
export const drainOrderSchema = z.discriminatedUnion('kind', [
  start,
  z.strictObject({ kind: z.literal('durable'), durable }),
  /** The answer to a `commit`; `problem` says why it did not happen. */
  z.strictObject({ kind: z.literal('committed'), id: z.int(), problem: z.string().nullable() }),
  z.strictObject({ kind: z.literal('flush'), id: z.int() }),
  /** Write what is durable, for at most so long, and end. */
  z.strictObject({ kind: z.literal('stop'), timeoutMs: z.number() }),
])

const status = z.strictObject({
  healthy: z.boolean(),
  lagRecords: z.number(),
  lagBytes: z.number(),
  lagAgeMs: z.number(),
  records: z.number(),
  quarantined: z.number(),
  failures: z.number(),
})

const outbox = z.strictObject({
  letters: z.number(),
  bytes: z.number(),
  /** Age of the oldest letter, 0 without one. */
  oldestAgeMs: z.number(),
  /** Items since the start. */
  sent: z.number(),
  refused: z.number(),
  failures: z.number(),
})

/** From the drain process. */
export const drainReportSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  /** The records before this place are in the ledger; the gateway keeps the cursor. */
  z.strictObject({ kind: z.literal('commit'), id: z.int(), position }),
  z.strictObject({ kind: z.literal('flushed'), id: z.int(), done: z.boolean() }),
  z.strictObject({ kind: z.literal('status'), status }),
  z.strictObject({ kind: z.literal('outbox'), outbox }),
  z.strictObject({
    kind: z.literal('damage'),
    segment: z.int(),
    offset: z.int(),
    bytes: z.int(),
    file: z.string(),
  }),
])

export type DrainOrder = z.infer<typeof drainOrderSchema>
export type DrainStart = z.infer<typeof start>
export type OutboxStatus = z.infer<typeof outbox>
export type DrainReport = z.infer<typeof drainReportSchema>
