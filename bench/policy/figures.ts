// Figures of the policy engine: a median, its bar, and whether it holds.

export type PolicyFigure = {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The most it may be; absent where the figure is there to compare with. */
  readonly bar?: number
}

/** Prints one figure and says whether it holds its bar; figures without a bar always do. */
export function report({ what, value, unit, bar }: PolicyFigure): boolean {
  const holds = bar === undefined || value <= bar
  const shown = `${value.toFixed(Number.isInteger(value) ? 0 : 2)} ${unit}`
  const verdict = bar === undefined ? '' : `   at most ${bar}: ${holds ? 'holds' : 'OVER'}`
  console.log(`${what.padEnd(72)} ${shown.padStart(14)}${verdict}`)
  return holds
}

export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN
}

/** Long enough for the clock, short enough to fall between two turns of whatever else runs on the machine. */
const roundMs = 0.5

/** Median over rounds of half a millisecond of the microseconds of one call, after `warmUp` calls that do not count. */
export function timeUs(call: (at: number) => unknown, warmUp: number, rounds = 401): number {
  const timeCalls = (calls: number): number => {
    const start = performance.now()
    for (let at = 0; at < calls; at++) call(at)
    return ((performance.now() - start) * 1000) / calls
  }
  timeCalls(warmUp)
  const calls = Math.max(1, Math.round((roundMs * 1000) / timeCalls(Math.max(1, warmUp >> 3))))
  return median(Array.from({ length: rounds }, () => timeCalls(calls)))
}
