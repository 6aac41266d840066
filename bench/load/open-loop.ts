// Added latency at a steady rate which no arm finds hard.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Arm } from '../arms/arm.ts'
import { percentile } from '../figures/statistics.ts'
import { type Cpu, cpuOf, cpuSince } from '../machine/proc.ts'
import { loadCore, startOwn } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import type { Run } from '../run/run.ts'
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
  /** For one request, in microseconds, until they had caught up; null for the direct way. */
  readonly cpuUs: Cpu | null
}

const warmMs = 300
const catchUpMs = 2_500
// No arm takes so long for an answer: most of it is waiting for the ones before.
const queueingMs = 50

/** Requests a second. Portkey's gateway would find 500 hard: it would be measured queueing. */
export function steadyRateOf({ name }: Arm): number {
  return name === 'portkey' ? 100 : 500
}

/** One entry a round and arm. */
export function measureLatency(
  run: Run,
  what: string,
  arms: readonly Arm[],
  ask: Ask,
): Promise<Rounds<Latency>> {
  const { rounds, seconds } = run.effort.latency
  return interleave(run, { what, arms, rounds }, async (arm) => {
    const path = join(run.folder, 'open-loop.json')
    const perSecond = steadyRateOf(arm)
    const job: OpenLoopJob = {
      url: arm.url + ask.path,
      method: ask.method,
      body: ask.body,
      headers: arm.headers,
      perSecond,
      warmMs,
      runMs: seconds * 1000,
    }
    const before = arm.pid === null ? null : cpuOf(arm.pid)
    writeFileSync(path, JSON.stringify(job), { mode: 0o600 })
    const place = { core: loadCore }
    const program = startOwn(`open-loop client of ${arm.name}`, 'load/open-loop-client.ts', [path], place)
    const { latenciesMs, failures } = reportSchema.parse(JSON.parse(await program.ended()))
    if (Object.keys(failures).length > 0) {
      run.note(`${arm.name}: ${what}: failed requests, not in its latency: ${JSON.stringify(failures)}`)
    }
    if (arm.pid !== null) await untilQuiet(arm.pid, catchUpMs)
    const p50Ms = percentile(latenciesMs, 0.5)
    if (p50Ms > queueingMs) {
      run.note(
        `${arm.name}: ${what}: ${perSecond} a second were too many for the core it had, so answers queued`,
      )
    }
    return {
      p50Ms,
      p99Ms: percentile(latenciesMs, 0.99),
      cpuUs:
        arm.pid === null || before === null
          ? null
          : cpuOfRequest(cpuSince(arm.pid, before), ((warmMs + job.runMs) / 1000) * perSecond),
    }
  })
}

function cpuOfRequest({ own, drain, engine }: Cpu, requests: number): Cpu {
  return { own: own / requests, drain: drain / requests, engine: engine / requests }
}
