// What Linux says about a process and its children: CPU time used, memory held. A gateway is three processes, and each
// is told apart.
import { readdirSync, readFileSync } from 'node:fs'

// What /proc/PID/stat counts in; 100 a second on every Linux that Node runs on.
const ticksPerSecond = 100

/** The process that takes the requests (with children of no other name), what drains its journal, and its ClickHouse. */
export const shares = ['own', 'drain', 'engine'] as const
export type Share = (typeof shares)[number]

/** CPU time in microseconds; that of the engine to the nearest 20 ms, the others exact. */
export type Cpu = { readonly [share in Share]: number }

export type Memory = {
  readonly rssKb: number
  /** The most it ever held. */
  readonly peakKb: number
}

/** CPU time (user and system) used so far by a process and its children. */
export function cpuOf(pid: number): Cpu {
  const used = { own: 0, drain: 0, engine: 0 }
  for (const each of [pid, ...descendantsOf(pid)]) {
    const share = shareOf(each)
    // The engine's threads come and go, and one that is gone has taken its nanoseconds with it.
    used[share] += (share === 'engine' ? null : exactUs(each)) ?? statOf(each)?.cpuUs ?? 0
  }
  return used
}

export function cpuSince(pid: number, before: Cpu): Cpu {
  const now = cpuOf(pid)
  return {
    own: now.own - before.own,
    drain: now.drain - before.drain,
    engine: now.engine - before.engine,
  }
}

export function totalOf({ own, drain, engine }: Cpu): number {
  return own + drain + engine
}

/** Resident memory of one process alone. Throws when it has ended. */
export function memoryOf(pid: number): Memory {
  const status = readProc(pid, 'status')
  if (status === null) throw new Error('it has ended')
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { rssKb: read('VmRSS'), peakKb: read('VmHWM') }
}

/** Resident memory of that one of a gateway's processes; null when there is none, or no more. */
export function memoryOfShare(pid: number, share: Share): Memory | null {
  const found = [pid, ...descendantsOf(pid)].find((each) => shareOf(each) === share)
  return found === undefined || readProc(found, 'status') === null ? null : memoryOf(found)
}

/** Children, their children and so on, of all that run now. */
function descendantsOf(pid: number): readonly number[] {
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

function shareOf(pid: number): Share {
  const command = readProc(pid, 'cmdline') ?? ''
  if (command.includes('drain-process')) return 'drain'
  return command.includes('engine-process') ? 'engine' : 'own'
}

/** Of all threads that live, to the nanosecond: a slice of a second may use two ticks. Null where Linux does not say. */
function exactUs(pid: number): number | null {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readProc(pid, `task/${thread}/schedstat`),
    )
    const spentNs = threads.map((text) => Number(text?.split(' ')[0] ?? 0))
    const totalNs = spentNs.reduce((total, each) => total + each, 0)
    return totalNs > 0 ? totalNs / 1000 : null
  } catch {
    return null
  }
}

/** null when the process has ended. */
function statOf(pid: number): { readonly parent: number; readonly cpuUs: number } | null {
  const stat = readProc(pid, 'stat')
  if (stat === null) return null
  // The name in brackets may hold blanks and brackets of its own: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return { parent: Number(fields[1]), cpuUs: (ticks / ticksPerSecond) * 1e6 }
}

function readProc(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return null
  }
}
