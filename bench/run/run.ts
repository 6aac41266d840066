// One run of the benchmark: what it measures and how thoroughly, and what went wrong meanwhile. On a machine that others
// use too, one failed slice must not take the rest with it.
import type { ArmName } from '../arms/arm.ts'
import type { Effort } from '../figures/effort.ts'
import type { PartName } from './parts.ts'

export type Run = {
  /** Everything it writes while it runs; gone afterwards. */
  readonly folder: string
  readonly effort: Effort
  readonly wants: (part: PartName) => boolean
  readonly has: (arm: ArmName) => boolean
  /** Says and keeps what readers of the figures should know. The same twice is kept once. */
  readonly note: (text: string) => void
  /** Says and keeps that an arm could not be measured; its figure is then missing. */
  readonly failed: (arm: ArmName, what: string, error: unknown) => void
  readonly notes: () => readonly string[]
  /** True when the gateway itself failed at something: such a run proves nothing. */
  readonly gatewayFailed: () => boolean
}

export function createRun(options: {
  readonly folder: string
  readonly effort: Effort
  readonly only: ReadonlySet<PartName>
  readonly without: ReadonlySet<ArmName>
}): Run {
  const { folder, effort, only, without } = options
  const notes = new Set<string>()
  let gatewayFailed = false
  const note = (text: string): void => {
    if (!notes.has(text)) console.error(`\nbench: ${text}`)
    notes.add(text)
  }
  return {
    folder,
    effort,
    wants: (part) => only.size === 0 || only.has(part),
    has: (arm) => !without.has(arm),
    note,
    failed: (arm, what, error) => {
      gatewayFailed ||= arm.startsWith('tollgate')
      const why = error instanceof Error ? error.message : String(error)
      // The whole output of a program is told when it ended badly; here its first lines will do.
      note(`${arm}: ${what}: ${why.split('\n').slice(0, 3).join(' ').slice(0, 300)}`)
    },
    notes: () => [...notes],
    gatewayFailed: () => gatewayFailed,
  }
}
