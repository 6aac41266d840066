// Starts one drain process and turns its reports into calls. What happens after it ends is `drain.ts`'s business.
import type { ProcessExit, Running } from '../kernel/keep-running.ts'
import { forkOwn } from '../kernel/own-process.ts'
import { type DrainOrder, type DrainReport, type DrainStart, drainReportSchema } from './drain-messages.ts'

export type RunningDrain = Running & {
  readonly pid: number
  readonly send: (order: DrainOrder) => void
}

const startTimeoutMs = 30_000
/** How long its last batch may take, and how much longer the process may take to end. */
const closeTimeoutMs = 5_000
const killAfterMs = closeTimeoutMs + 3_000

/** Resolves when the process drains. Rejects when it does not come up; none is left behind then. */
export async function launchDrain(
  start: DrainStart,
  onReport: (report: Exclude<DrainReport, { kind: 'ready' }>) => void,
  /** Called right before it is told to stop, so that it hears of the last records first. */
  beforeStop: () => Promise<void>,
): Promise<RunningDrain> {
  // It needs none of the gateway's keys, and its log goes where ours goes.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(PATH|HOME|TMPDIR|TZ|SYSTEMROOT)$/.test(name)),
  )
  const child = forkOwn(import.meta.url, './drain-process', {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const send = (order: DrainOrder): void => {
    // One that is gone reports that by its exit.
    if (child.connected) child.send(order, () => undefined)
  }
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      const report = drainReportSchema.parse(message)
      if (report.kind === 'ready') resolve()
      else onReport(report)
    })
  })
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    void exited.then(({ code, signal }) =>
      reject(new Error(`the process that writes the ledger ended at its start (${signal ?? code})`)),
    )
  })
  failed.catch(() => undefined)
  send(start)
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs)
  await Promise.race([ready, failed]).finally(() => clearTimeout(timer))
  return {
    pid: child.pid ?? 0,
    send,
    exited,
    stop: async () => {
      await beforeStop()
      send({ kind: 'stop', timeoutMs: closeTimeoutMs })
      const kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await exited
      clearTimeout(kill)
    },
  }
}
