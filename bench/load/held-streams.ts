// Event streams that do nothing: what a silent one holds, and one that nobody reads.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arm } from '../arms/arm.ts'
import { memoryOf } from '../machine/proc.ts'
import type { Program } from '../machine/programs.ts'
import { untilQuiet } from '../machine/quiet.ts'
import type { Run } from '../run/run.ts'
import { startStreamClient } from './stream-job.ts'

/** One entry a size, ascending. */
export type Held = { readonly streams: number; readonly perStreamKb: number; readonly totalMb: number }

// What opening streams left behind is collected within a moment, or it counts.
const restMs = 2_000
const openAtOnce = 20
const openMs = 180_000
const still = { settleMs: 0, runMs: 0 }

/**
 * What silent streams add to the memory of the arm's own process, at each of `sizes` that is reached. The
 * arm must be fresh.
 */
export async function measureIdleStreams(
  run: Run,
  arm: Arm,
  pid: number,
  sizes: readonly number[],
  descriptors: number,
): Promise<readonly Held[]> {
  const before = memoryOf(pid).rssKb
  const job = { query: {}, reading: 'bytes', steps: [...sizes], openAtOnce, ...still } as const
  const program = startStreamClient(run, arm, job, descriptors)
  const found: Held[] = []
  try {
    for (const streams of sizes) {
      await untilOpen(program, streams)
      await sleep(restMs)
      const { rssKb } = memoryOf(pid)
      found.push({ streams, perStreamKb: (rssKb - before) / streams, totalMb: rssKb / 1024 })
      program.tell('more')
    }
    await program.ended()
  } catch (error) {
    // The smaller sizes were reached all the same.
    run.failed(arm.name, `silent streams, after ${found.at(-1)?.streams ?? 0}`, error)
  } finally {
    await program.stop()
  }
  return found
}

export type Stalled = { readonly perStreamKb: number; readonly growthMb: number }

/**
 * What streams add to the memory of the arm's own process when the upstream sends all it can and the client reads
 * nothing, at the end of `holdSeconds`; and how much of that came after the first moment. The arm must be warm, else
 * its own growing up counts; less than nothing means that it gave back what was left of the warming up.
 */
export async function measureStalledStreams(run: Run, arm: Arm, pid: number): Promise<Stalled> {
  const { streams, holdSeconds } = run.effort.stalled
  const before = memoryOf(pid).rssKb
  const job = { query: { burst: 1 }, reading: 'nothing', steps: [streams], openAtOnce: 1, ...still } as const
  const program = startStreamClient(run, arm, job)
  try {
    await untilOpen(program, streams)
    await sleep(restMs)
    const first = memoryOf(pid).rssKb
    await sleep(holdSeconds * 1000)
    const last = memoryOf(pid).rssKb
    program.tell('end')
    await program.ended()
    return { perStreamKb: (last - before) / streams, growthMb: (last - first) / 1024 }
  } finally {
    await program.stop()
    await untilQuiet(pid, restMs)
  }
}

/** Opening ten thousand may take longer than a program is usually given to say something. */
async function untilOpen(program: Program, streams: number): Promise<void> {
  await program.says(new RegExp(`^open ${streams}$`, 'm'), openMs)
}
