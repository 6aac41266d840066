// Event streams that flow: how soon the first bytes come, how late each event, what one costs.

import type { Arm } from '../arms/arm.ts'
import { deltaBytes } from '../arms/stream-frames.ts'
import { percentile } from '../figures/statistics.ts'
import { type Cpu, cpuOf, cpuSince } from '../machine/proc.ts'
import type { Program } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import type { Run } from '../run/run.ts'
import { attempt, interleave, type Rounds } from './interleave.ts'
import { type StreamJob, type StreamReport, startStreamClient, streamReportSchema } from './stream-job.ts'

/** What flows, and how it is looked at. */
export type Flow = {
  readonly what: string
  readonly streams: number
  readonly query: StreamJob['query']
  readonly reading: 'lateness' | 'events' | 'bytes'
  /** 1: the first bytes of one stream do not wait for another's, and count. */
  readonly openAtOnce: number
  /** Events a second over all streams that the upstream offers; null: as many as are taken. */
  readonly offered: number | null
}

export type Streaming = {
  readonly headP50Ms: number
  readonly firstEventP50Ms: number
  readonly firstEventP99Ms: number
  readonly delayP50Ms: number
  readonly delayP99Ms: number
  /** For one event, in microseconds; null for the direct way. */
  readonly cpuUs: Cpu | null
  readonly perSecond: number
}

const catchUpMs = 2_500
const settleMs = 500
// On a busy machine, with the first streams flowing already.
const openMs = 120_000

/** Warms every arm up, then lets the streams flow through each in turn. An arm that cannot be warmed up is left out. */
export async function measureStreams(
  run: Run,
  given: readonly Arm[],
  flow: Flow,
): Promise<Rounds<Streaming>> {
  const { warmSeconds, seconds, rounds } = run.effort.streams
  const { what } = flow
  const arms: Arm[] = []
  for (const arm of given) {
    const warmFor = arm.name === 'portkey' ? run.effort.portkeyWarmSeconds : warmSeconds
    const warmed = await attempt(run, arm, `${what}, warming up`, () => streamOnce(run, arm, flow, warmFor))
    if (warmed !== null) arms.push(arm)
  }
  return interleave(run, { what, arms, rounds }, (arm) => streamOnce(run, arm, flow, seconds))
}

async function streamOnce(run: Run, arm: Arm, flow: Flow, seconds: number): Promise<Streaming> {
  const { streams, query, reading, openAtOnce } = flow
  const job = { query, reading, steps: [streams], openAtOnce, settleMs, runMs: seconds * 1000 }
  const program = startStreamClient(run, arm, job)
  const { text, used } = await watch(program, arm).finally(() => program.stop())
  const report = streamReportSchema.parse(JSON.parse(text))
  const events = eventsOf(report, flow)
  checkReport(run, arm, report, events, flow)
  if (arm.pid !== null) await untilQuiet(arm.pid, catchUpMs)
  return {
    headP50Ms: percentile(report.headMs, 0.5),
    firstEventP50Ms: percentile(report.firstEventMs, 0.5),
    firstEventP99Ms: percentile(report.firstEventMs, 0.99),
    delayP50Ms: percentile(report.delaysMs, 0.5),
    delayP99Ms: percentile(report.delaysMs, 0.99),
    cpuUs:
      used === null
        ? null
        : { own: used.own / events, drain: used.drain / events, engine: used.engine / events },
    perSecond: events / (report.runMs / 1000),
  }
}

/** What the client says in the end, and what the arm used while it counted. */
async function watch(
  program: Program,
  { pid }: Arm,
): Promise<{ readonly text: string; readonly used: Cpu | null }> {
  await program.says(/^open \d+$/m, openMs)
  program.tell('go')
  await program.says(/^measuring$/m)
  const before = pid === null ? null : cpuOf(pid)
  const [text] = await program.says(/^\{.*\}$/m)
  const used = pid === null || before === null ? null : cpuSince(pid, before)
  await program.ended()
  return { text, used }
}

/** A burst is counted by its bytes: looking for two million line ends a second would be a load of its own. */
function eventsOf({ events, bytes }: StreamReport, { reading }: Flow): number {
  return reading === 'bytes' ? bytes / deltaBytes : events
}

function checkReport(run: Run, arm: Arm, report: StreamReport, events: number, flow: Flow): void {
  if (report.broken > 0) throw new Error(`${report.broken} of ${flow.streams} streams broke off`)
  if (events === 0) throw new Error('no event came')
  // The load was not what the figure says it was; with others at work on the machine that happens.
  if (flow.offered !== null && events / (report.runMs / 1000) < flow.offered * 0.8) {
    run.note(`${arm.name}: ${flow.what}: fewer than four of five events came in time; the machine was busy`)
  }
}
