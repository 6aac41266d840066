// What a stream client is told to do, and what it says of it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Arm } from '../arms/arm.ts'
import { loadCore, type Program, startOwn } from '../machine/programs.ts'
import type { Run } from '../run/run.ts'

export const streamJobSchema = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  /** Sent as JSON in a POST; '' for a GET. */
  body: z.string(),
  /** Sent with each, and its `phase`. */
  query: z.record(z.string(), z.number()),
  openAtOnce: z.number(),
  /** How many are open after each step; it waits for a line on standard input after each. */
  steps: z.array(z.number()).readonly(),
  /** What it does with what comes: how late each event is, how many events, how many bytes, or nothing: it stalls. */
  reading: z.enum(['lateness', 'events', 'bytes', 'nothing']),
  /** How long it reads before it counts, and how long it counts. */
  settleMs: z.number(),
  runMs: z.number(),
})
export type StreamJob = z.infer<typeof streamJobSchema>

export const streamReportSchema = z.object({
  events: z.number(),
  bytes: z.number(),
  delaysMs: z.array(z.number()),
  headMs: z.array(z.number()),
  firstEventMs: z.array(z.number()),
  /** How long it really counted. */
  runMs: z.number(),
  broken: z.number(),
})
export type StreamReport = z.infer<typeof streamReportSchema>

/** Starts a client of one arm, beside the upstream. */
export function startStreamClient(
  run: Run,
  arm: Arm,
  rest: Omit<StreamJob, 'url' | 'headers' | 'body'>,
  descriptors?: number,
): Program {
  const path = join(run.folder, 'streams.json')
  const job: StreamJob = { url: arm.url, headers: arm.headers, body: arm.streamBody ?? '', ...rest }
  // In a file that only we can read, never in the arguments: the headers hold a key.
  writeFileSync(path, JSON.stringify(job), { mode: 0o600 })
  const place = { core: loadCore, ...(descriptors === undefined ? {} : { descriptors }) }
  return startOwn(`stream client of ${arm.name}`, 'load/stream-client.ts', [path], place)
}
