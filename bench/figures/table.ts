// The result for people: one table, and above it the machine it was measured on.
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import Table from 'cli-table3'
import type { ArmName } from '../arms/arm.ts'
import { type Figure, judge, type Measured, slackLimit } from './figure.ts'

const armNames = [
  'direct',
  'nginx',
  'http-proxy',
  'tollgate',
  'tollgate + otlp',
] as const satisfies readonly ArmName[]

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly node: string
  readonly nginx: string
  /** Load average of the last minute before the run: above about 0.5 others were at work here too. */
  readonly loadBefore: number
}

export function readMachine(nginxVersion: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    nginx: nginxVersion,
    loadBefore: loadavg()[0] ?? 0,
  }
}

export function renderMachine({ cpu, cores, memoryGib, node, nginx, loadBefore }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGib} GiB; node ${node}; ${nginx}; load before the run ${loadBefore.toFixed(2)}`
}

/** Medians over the rounds, the best round in brackets where it says more. */
export function renderTable(figures: readonly Figure[]): string {
  const table = new Table({
    head: ['', 'unit', ...armNames, 'goal', '1.5x', ''],
    colAligns: ['left', 'left', ...armNames.map(() => 'right' as const), 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  })
  for (const figure of figures) {
    const { name, unit, of, goal } = figure
    const sign = goal?.better === 'more' ? '≥' : '≤'
    table.push([
      name,
      unit,
      ...armNames.map((arm) => renderMeasured(of[arm])),
      goal === null ? '' : `${sign} ${renderNumber(goal.limit)}`,
      goal === null ? '' : renderNumber(slackLimit(goal)),
      judge(figure),
    ])
  }
  return table.toString()
}

function renderMeasured(measured: Measured | undefined): string {
  if (measured === undefined) return ''
  const { median, best } = measured
  const [text, bestText] = [renderNumber(median), renderNumber(best)]
  return text === bestText ? text : `${text} [${bestText}]`
}

function renderNumber(value: number): string {
  if (!Number.isFinite(value)) return '?'
  const size = Math.abs(value)
  if (size >= 100) return String(Math.round(value))
  return value.toFixed(size >= 10 ? 1 : 2)
}
