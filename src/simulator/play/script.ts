// The steps of a turn that are still to come, and the one whose delay is running.

import type { SimulatorClock } from '../clock.ts'
import type { Preview } from './previews.ts'
import type { Step } from './scenario.ts'

type Scheduled = { readonly step: Step; readonly cancel: () => void }

/** An empty script. */
export function createScript(clock: SimulatorClock) {
  let steps: readonly Step[] = []
  let next = 0
  let scheduled: Scheduled | undefined

  return {
    /** Plays these from the start. */
    load: (loaded: readonly Step[]): void => {
      steps = loaded
      next = 0
    },
    /** Plays these before what is left. */
    insert: (inserted: readonly Step[]): void => {
      steps = [...inserted, ...steps.slice(next)]
      next = 0
    },
    take: (): Step | undefined => steps[next++],
    isWaiting: (): boolean => scheduled !== undefined,
    /** Runs a step after its delay; calling it off calls its preview off too. */
    schedule: (step: Step, preview: Preview | undefined, run: () => void): void => {
      const cancelTimer = clock.after(step.delayMs, () => {
        scheduled = undefined
        run()
      })
      const cancel = (): void => {
        cancelTimer()
        preview?.cancel()
      }
      scheduled = { step, cancel }
    },
    /** Forgets the steps of a kind, the scheduled one too. */
    drop: (isDropped: (step: Step) => boolean): void => {
      steps = steps.slice(next).filter((step) => !isDropped(step))
      next = 0
      if (scheduled === undefined || !isDropped(scheduled.step)) return
      scheduled.cancel()
      scheduled = undefined
    },
  }
}
