// Waiting until a program has done what it still had to do (the ledger takes batches after the load has ended).
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuOf, totalOf } from './proc.ts'

const lookMs = 100
/** Below this share of a core nothing is going on but timers. */
const quietShare = 0.06

/** Resolves when the process and its children rest, or after `atMostMs`; says whether they did. */
export async function untilQuiet(pid: number, atMostMs: number): Promise<boolean> {
  const end = performance.now() + atMostMs
  let quietLooks = 0
  let before = totalOf(cpuOf(pid))
  while (performance.now() < end) {
    await sleep(lookMs)
    const now = totalOf(cpuOf(pid))
    const usedUs = now - before
    before = now
    quietLooks = usedUs / (lookMs * 1000) <= quietShare ? quietLooks + 1 : 0
    // A batch waits up to 200 ms for company, so one quiet look proves nothing.
    if (quietLooks >= 4) return true
  }
  return false
}
