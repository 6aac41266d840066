// Added latency at a steady 500 requests a second, which no arm finds hard.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Arm } from '../arms/arm.ts'
import { percentile } from '../figures/statistics.ts'
import { type Cpu, cpuOf, cpuSince } from '../machine/proc.ts'
import { loadCore, startOwn } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import { interleave, type Rounds } from './interleave.ts'
import type { Ask } from './wrk.ts'

export const openLoopJobSchema = z.object({
  url: z.string(),
  method: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  perSecond: z.number(),
  warmMs: z.number(),
  runMs: z.number(),
})
export type OpenLoopJob = z.infer<typeof openLoopJobSchema>

const reportSchema = z.object({
  latenciesMs: z.array(z.number()),
  /** Failed requests by status or error code. */
  failures: z.record(z.string(), z.number()),
})
export type OpenLoopReport = z.infer<typeof reportSchema>

export type Latency = {
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU of process and children for one request, until they had caught up; null for the direct way. */
  readonly cpuUs: number | null
}

const perSecond = 500
const warmMs = 300
const catchUpMs = 2_500

/** One entry a round and arm. */
export function measureLatency(
  arms: readonly Arm[],
  ask: Ask,
  options: { readonly folder: string; readonly rounds: number; readonly seconds: number },
): Promise<Rounds<Latency>> {
  const { folder, rounds, seconds } = options
  return interleave(arms, rounds, async (arm) => {
    const path = join(folder, 'open-loop.json')
    const { method, body } = ask
    const job: OpenLoopJob = {
      url: arm.url + ask.path,
      method,
      body,
      headers: arm.headers,
      perSecond,
      warmMs,
      runMs: seconds * 1000,
    }
    const before = arm.pid === null ? null : cpuOf(arm.pid)
    writeFileSync(path, JSON.stringify(job), { mode: 0o600 })
    const program = startOwn(`open-loop client of ${arm.name}`, 'load/open-loop-client.ts', [path], loadCore)
    const { latenciesMs, failures } = reportSchema.parse(JSON.parse(await program.ended()))
    if (Object.keys(failures).length > 0) {
      console.error(`\nbench: ${arm.name}: failed requests, not in its latency: ${JSON.stringify(failures)}`)
    }
    if (arm.pid !== null) await untilQuiet(arm.pid, catchUpMs)
    return {
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      cpuUs: arm.pid === null || before === null ? null : cpuOfRequest(arm.pid, before, warmMs + job.runMs),
    }
  })
}

function cpuOfRequest(pid: number, before: Cpu, sentMs: number): number {
  const { ownUs, childrenUs } = cpuSince(pid, before)
  return (ownUs + childrenUs) / ((sentMs / 1000) * perSecond)
}
