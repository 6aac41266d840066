// Event streams: how soon the first bytes come, how late each event, what one costs, what a silent one holds.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Arm } from '../arms/arm.ts'
import { percentile } from '../figures/statistics.ts'
import { cpuOf, cpuSince, memoryOf } from '../machine/proc.ts'
import { loadCore, type Program, startOwn } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import { interleave, type Rounds } from './interleave.ts'

export const streamJobSchema = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  streams: z.number(),
  openAtOnce: z.number(),
  /** Events a second on each; 0 for one event and silence. */
  perSecond: z.number(),
  settleMs: z.number(),
  runMs: z.number(),
})
export type StreamJob = z.infer<typeof streamJobSchema>

const reportSchema = z.object({
  events: z.number(),
  delaysMs: z.array(z.number()),
  headMs: z.array(z.number()),
  firstEventMs: z.array(z.number()),
  broken: z.number(),
})
export type StreamReport = z.infer<typeof reportSchema>

export type Streaming = {
  readonly headP50Ms: number
  readonly firstEventP50Ms: number
  readonly firstEventP99Ms: number
  readonly delayP50Ms: number
  readonly delayP99Ms: number
  /** null for the direct way. */
  readonly cpuUsPerEvent: number | null
}

export type Pace = { readonly streams: number; readonly perSecond: number }

/** Paced events of about 300 bytes, one write each. Streams are opened one after the other. */
export function measureStreams(
  arms: readonly Arm[],
  pace: Pace,
  options: { readonly folder: string; readonly rounds: number; readonly seconds: number },
): Promise<Rounds<Streaming>> {
  const { folder, rounds, seconds } = options
  return interleave(arms, rounds, async (arm) => {
    const program = startClient(folder, arm, { ...pace, openAtOnce: 1, settleMs: 500, runMs: seconds * 1000 })
    await program.says(/^measuring$/m)
    const before = arm.pid === null ? null : cpuOf(arm.pid)
    const [text] = await program.says(/^\{.*\}$/m)
    const cpu = arm.pid === null || before === null ? null : cpuSince(arm.pid, before)
    await program.ended()
    const report = reportSchema.parse(JSON.parse(text))
    checkReport(arm, report, pace.streams * pace.perSecond * seconds)
    if (arm.pid !== null) await untilQuiet(arm.pid, 1_500)
    return {
      headP50Ms: percentile(report.headMs, 0.5),
      firstEventP50Ms: percentile(report.firstEventMs, 0.5),
      firstEventP99Ms: percentile(report.firstEventMs, 0.99),
      delayP50Ms: percentile(report.delaysMs, 0.5),
      delayP99Ms: percentile(report.delaysMs, 0.99),
      cpuUsPerEvent: cpu === null ? null : cpu.ownUs / report.events,
    }
  })
}

export type IdleStreams = { readonly idleMb: number; readonly perStreamKb: number }

/** What `streams` silent streams add to the memory of the arm's own process. The arm must be fresh. */
export async function measureIdleStreams(
  folder: string,
  arm: Arm,
  streams: number,
): Promise<IdleStreams | null> {
  const { pid } = arm
  if (pid === null) return null
  const before = memoryOf(pid)
  const job = { streams, perSecond: 0, openAtOnce: 20, settleMs: 0, runMs: 1_700 }
  const program = startClient(folder, arm, job)
  await program.says(/^measuring$/m)
  // What opening them left behind is collected within a moment, or it counts.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const held = memoryOf(pid)
  await program.ended()
  return { idleMb: before.rssKb / 1024, perStreamKb: (held.rssKb - before.rssKb) / streams }
}

function startClient(folder: string, arm: Arm, rest: Omit<StreamJob, 'url' | 'headers'>): Program {
  const path = join(folder, 'streams.json')
  const job: StreamJob = { url: arm.url, headers: arm.headers, ...rest }
  writeFileSync(path, JSON.stringify(job), { mode: 0o600 })
  return startOwn(`stream client of ${arm.name}`, 'load/stream-client.ts', [path], loadCore)
}

function checkReport(arm: Arm, report: StreamReport, expected: number): void {
  if (report.broken > 0) throw new Error(`${arm.name}: ${report.broken} streams broke off`)
  // The load was not what the figure says it was; with others at work on the machine that happens.
  if (report.events < expected * 0.8) {
    console.error(
      `\nbench: ${arm.name}: only ${report.events} of ${expected} events came; the machine was busy`,
    )
  }
}
