// One benchmark at a time on a machine: two would measure each other.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const path = join(tmpdir(), 'tollgate-bench.pid')

/** Takes the machine; returns null, or the process that has it. What a dead process left behind is taken over. */
export function takeMachine(): number | null {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return null
  } catch {
    const holder = Number(readFileSync(path, 'utf8'))
    if (isAlive(holder)) return holder
    writeFileSync(path, String(process.pid))
    return null
  }
}

export function leaveMachine(): void {
  rmSync(path, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
