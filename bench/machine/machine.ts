// The machine that figures were measured on, and what was compared on it.
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { portkeyVersion } from '../arms/portkey.ts'
import { nginxVersion } from './tools.ts'

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly node: string
  readonly nginx: string
  /** Version of Portkey's gateway; '' when it is not there. */
  readonly portkey: string
  /** Load average of the last minute before the run: above about 0.5 others were at work here too. */
  readonly loadBefore: number
}

export function readMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    nginx: nginxVersion(),
    portkey: portkeyVersion(),
    loadBefore: loadavg()[0] ?? 0,
  }
}

export function renderMachine(machine: Machine): string {
  const { cpu, cores, memoryGib, node, nginx, portkey, loadBefore } = machine
  const programs = [`node ${node}`, nginx, ...(portkey === '' ? [] : [`portkey ${portkey}`])].join(', ')
  return `${cpu}, ${cores} cores, ${memoryGib} GiB; ${programs}; load before the run ${loadBefore.toFixed(2)}`
}
