// A counter for the path of every request: a Map entry now, OpenTelemetry's own bookkeeping only when somebody asks.
import type { Attributes, Meter } from '@opentelemetry/api'

export type Tally = {
  /** Adds to the series of these label values, in the order of the labels. */
  readonly add: (value: number, ...values: readonly string[]) => void
}

/** A cumulative counter whose series are read at each exposition. Labels must be closed sets or capped. */
export function createTally(
  meter: Meter,
  name: string,
  description: string,
  labels: readonly string[],
): Tally {
  const series = new Map<string, { value: number; readonly attributes: Attributes }>()
  meter.createObservableCounter(name, { description }).addCallback((result) => {
    for (const { value, attributes } of series.values()) result.observe(value, attributes)
  })
  return {
    add: (value, ...values) => {
      const key = values.join('\0')
      const known = series.get(key)
      if (known !== undefined) {
        known.value += value
        return
      }
      const attributes = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? '']))
      series.set(key, { value, attributes })
    },
  }
}
