// The same client program in two worlds that are alike to the letter: straight at a simulator, and through Tollgate at
// another one. Both are recorded on the wire.
import { setImmediate } from 'node:timers/promises'
import {
  createManualClock,
  type ManualClock,
  type Simulator,
  type SimulatorClock,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/simulator.ts'
import type { Recording } from './allowed-differences.ts'
import { openTestHouse, type TestHouse } from './house.ts'
import { createLane, type Lane } from './twin-lane.ts'
import { startWireRecorder } from './wire-recorder.ts'

/** Where a program runs, and its hand on the world behind. */
export type Program = (
  lane: Lane,
  world: { readonly simulator: Simulator; readonly clock: ManualClock },
) => Promise<void>

/** A program for an upstream that is not a simulator. */
export type BareProgram = (lane: Lane) => Promise<void>

export type Twins = {
  readonly house: TestHouse
  /** Runs the program twice, each time in a world of its own. */
  readonly run: (
    program: Program,
    options?: SimulatorOptions,
  ) => Promise<{ readonly direct: Recording; readonly through: Recording }>
  /** The same in front of any upstream, which must be alike both times by itself. */
  readonly runAt: (
    url: string,
    program: BareProgram,
  ) => Promise<{ readonly direct: Recording; readonly through: Recording }>
  readonly close: () => Promise<void>
}

type Place = { readonly url: string; readonly key: string }

/** What the gateway shows the upstream. */
export const upstreamKey = 'sk-ant-sim-local'

/** Lets time pass for what waits on the clock, until it is over. */
export async function movingOn(clock: ManualClock, done: Promise<unknown>): Promise<void> {
  let isOver = false
  void done.then(() => {
    isOver = true
  })
  while (!isOver) {
    clock.advance(100)
    await setImmediate()
  }
}

/** A clock that stands still and keeps nobody waiting: for delays whose length does not matter. */
export function createHurriedClock(): SimulatorClock {
  const hurriedMs = 3
  return {
    nowMs: () => Date.UTC(2026, 11, 1),
    after: (delayMs, run) => {
      // What is not of this test, such as heartbeats and schedules, never comes.
      if (delayMs > 60_000) return () => {}
      const timer = setTimeout(run, Math.min(delayMs, hurriedMs))
      return () => clearTimeout(timer)
    },
  }
}

/** Opens the gateway with its shipped policies, whose first key may do everything, in front of a wiretap. */
export async function openTwins(env: { readonly [name: string]: string } = {}): Promise<Twins> {
  const recorder = await startWireRecorder()
  const house = await openTestHouse({
    upstreamUrl: recorder.url,
    // A stamp is a change that is wanted, and so is our address in the place of the upstream's; without the one, and
    // with the same address for both, there is none to look past.
    env: {
      ANTHROPIC_API_KEY: upstreamKey,
      TOLLGATE_STAMPING: 'off',
      TOLLGATE_PUBLIC_URL: recorder.url,
      ...env,
    },
  })
  const direct: Place = { url: recorder.url, key: upstreamKey }
  const through: Place = { url: house.gatewayUrl, key: house.key }
  const recordAt = async (at: Place, url: string, program: BareProgram): Promise<Recording> => {
    await recorder.turnTo(url)
    const lane = createLane(at)
    await program(lane)
    const answers = await lane.answers()
    return { requests: recorder.seen(), answers }
  }
  const record = async (at: Place, program: Program, options: SimulatorOptions): Promise<Recording> => {
    const clock = createManualClock()
    const simulator = await startSimulator({ seed: 'twin', clock, apiKeys: [upstreamKey], ...options })
    try {
      return await recordAt(at, simulator.url, (lane) => program(lane, { simulator, clock }))
    } finally {
      await simulator.close()
    }
  }
  return {
    house,
    run: async (program, options = {}) => ({
      direct: await record(direct, program, options),
      through: await record(through, program, options),
    }),
    runAt: async (url, program) => ({
      direct: await recordAt(direct, url, program),
      through: await recordAt(through, url, program),
    }),
    close: async () => {
      await house.destroy()
      await recorder.close()
    },
  }
}
