// How much memory another process holds: before, at its highest, and after something.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export type MemoryWatch = { readonly before: number; readonly peak: number; readonly after: number }

/** Resident bytes of a process around `act`. On Linux the peak is the kernel's own mark, elsewhere the highest of samples. */
export async function watchMemory(pid: number, act: () => Promise<void>): Promise<MemoryWatch> {
  if (process.platform !== 'linux') return sampled(pid, act)
  // 5: set the mark back to what is resident now.
  await writeFile(`/proc/${pid}/clear_refs`, '5')
  const { resident: before } = await readStatus(pid)
  await act()
  const { resident: after, highest: peak } = await readStatus(pid)
  return { before, peak: Math.max(before, peak), after }
}

async function readStatus(pid: number): Promise<{ readonly resident: number; readonly highest: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024
  return { resident: bytes('VmRSS'), highest: bytes('VmHWM') }
}

async function sampled(pid: number, act: () => Promise<void>): Promise<MemoryWatch> {
  const resident = async (): Promise<number> => {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
    return Number(stdout) * 1024
  }
  const before = await resident()
  let peak = before
  const sampling = setInterval(async () => {
    peak = Math.max(peak, await resident())
  }, 50)
  try {
    await act()
  } finally {
    clearInterval(sampling)
  }
  const after = await resident()
  return { before, peak: Math.max(peak, after), after }
}
