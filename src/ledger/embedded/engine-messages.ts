// What the gateway and its engine process say to each other over the fork's IPC channel, and nothing else:
// the secret travels here, so that it is in no argument list and no environment.
import { z } from 'zod'

/** The one name the engine's facade knows; the secret is its password. */
export const engineUsername = 'tollgate'

/** From the gateway to the engine process. */
export const engineOrderSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    dataDir: z.string(),
    socketPath: z.string(),
    secret: z.string(),
    memoryBytes: z.number(),
    lockWaitMs: z.number(),
  }),
  z.object({ kind: z.literal('stop') }),
])

/** From the engine process to the gateway. `damagedParts` are put aside by ClickHouse when it opened the folder. */
export const engineReportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), version: z.string(), damagedParts: z.array(z.string()) }),
  z.object({
    kind: z.literal('failed'),
    reason: z.enum(['platform', 'open', 'caps', 'listen']),
    detail: z.string(),
  }),
])

export type EngineOrder = z.infer<typeof engineOrderSchema>
export type StartOrder = Extract<EngineOrder, { kind: 'start' }>
export type EngineReport = z.infer<typeof engineReportSchema>
export type EngineFailureReason = Extract<EngineReport, { kind: 'failed' }>['reason']
