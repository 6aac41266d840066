// What Linux says about a process and its children: CPU time used, memory held.
import { readdirSync, readFileSync } from 'node:fs'

// What /proc/PID/stat counts in; 100 a second on every Linux that Node runs on.
const ticksPerSecond = 100

export type Cpu = {
  /** The process itself. */
  readonly ownUs: number
  /** Its children, and theirs. */
  readonly childrenUs: number
}

/** CPU time (user and system) used so far, in microseconds, to the nearest 10 ms. */
export function cpuOf(pid: number): Cpu {
  return { ownUs: cpuUs(pid), childrenUs: sum(descendantsOf(pid).map(cpuUs)) }
}

export function cpuSince(pid: number, before: Cpu): Cpu {
  const now = cpuOf(pid)
  return { ownUs: now.ownUs - before.ownUs, childrenUs: now.childrenUs - before.childrenUs }
}

/** Resident memory of one process in KB; `peakKb` is the most it ever held. */
export function memoryOf(pid: number): { readonly rssKb: number; readonly peakKb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { rssKb: read('VmRSS'), peakKb: read('VmHWM') }
}

/** Children, their children and so on, of all that run now. */
export function descendantsOf(pid: number): readonly number[] {
  const parents = readdirSync('/proc').flatMap((name) => {
    const fields = /^\d+$/.test(name) ? statOf(Number(name)) : null
    return fields === null ? [] : [{ pid: Number(name), parent: fields.parent }]
  })
  const found = [pid]
  for (const each of found) {
    for (const child of parents) if (child.parent === each) found.push(child.pid)
  }
  return found.slice(1)
}

function cpuUs(pid: number): number {
  return statOf(pid)?.cpuUs ?? 0
}

/** null when the process has ended. */
function statOf(pid: number): { readonly parent: number; readonly cpuUs: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold blanks and brackets of its own: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    return { parent: Number(fields[1]), cpuUs: (ticks / ticksPerSecond) * 1e6 }
  } catch {
    return null
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
