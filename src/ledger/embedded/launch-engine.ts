// Starts one engine process and waits until it serves. What happens after it ends is the supervisor's business.
import type { ChildProcess } from 'node:child_process'
import type { ProcessExit, Running } from '../../kernel/keep-running.ts'
import { forkOwn } from '../../kernel/own-process.ts'
import { EmbeddedEngineError } from './engine-error.ts'
import { type EngineOrder, engineReportSchema, type StartOrder } from './engine-messages.ts'

export type RunningEngine = Running & {
  readonly pid: number
  readonly version: string
  readonly damagedParts: readonly string[]
  /** Lets running requests finish, then ends the process; kills it after `killAfterMs`. */
  readonly stop: () => Promise<void>
}

const startTimeoutMs = 60_000
const killAfterMs = 5_000

/**
 * Resolves when the engine answers on `order.socketPath`.
 * `onLine` gets what the engine writes to its outputs, line by line.
 * @throws EmbeddedEngineError when it does not come up; no process is left behind then.
 */
export async function launchEngine(
  order: Omit<StartOrder, 'kind'>,
  onLine: (line: string) => void,
): Promise<RunningEngine> {
  const child = forkOwn(import.meta.url, './engine-process', {
    env: engineEnv(),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const tail = collectLines(child, onLine)
  const exited = new Promise<ProcessExit>((resolve) => {
    // `close` comes after the last line of output, which explains the end.
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const { pid } = child
  const send = (message: EngineOrder): void => {
    // An engine that is gone reports that by its exit.
    child.send(message, () => undefined)
  }
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once('error', resolve))
    throw new EmbeddedEngineError('died', order.dataDir, cause.message)
  }
  child.on('error', (error) => onLine(error.message))
  send({ kind: 'start', ...order })
  const ready = await firstReport(child, exited, order.dataDir, tail)
  return {
    pid,
    version: ready.version,
    damagedParts: ready.damagedParts,
    exited,
    stop: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      if (child.connected) send({ kind: 'stop' })
      await exited
      clearTimeout(timer)
    },
  }
}

type Ready = { readonly version: string; readonly damagedParts: readonly string[] }

/** Resolves on `ready`; otherwise ends the process and rejects when it is gone and has said its last line. */
async function firstReport(
  child: ChildProcess,
  exited: Promise<ProcessExit>,
  dataDir: string,
  tail: () => string,
): Promise<Ready> {
  let failure: EmbeddedEngineError | undefined
  const timer = setTimeout(() => {
    failure = new EmbeddedEngineError('timeout', dataDir, `not ready after ${startTimeoutMs} ms`)
    child.kill('SIGKILL')
  }, startTimeoutMs)
  const ready = new Promise<Ready>((resolve) => {
    child.on('message', (message) => {
      const report = engineReportSchema.parse(message)
      if (report.kind === 'ready') resolve(report)
      else failure = new EmbeddedEngineError(report.reason, dataDir, report.detail)
    })
  })
  const died = exited.then((exit) => {
    // chdb throws a plain "failed to create connection"; that the folder is locked it only writes to stderr.
    if (tail().includes('Cannot lock file')) throw new EmbeddedEngineError('locked', dataDir, tail())
    throw failure ?? new EmbeddedEngineError('died', dataDir, `${exit.signal ?? exit.code}: ${tail()}`)
  })
  try {
    return await Promise.race([ready, died])
  } finally {
    clearTimeout(timer)
  }
}

/** Nothing of ours: the engine needs no keys, and what it cannot see it cannot leak. */
function engineEnv(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'SYSTEMROOT'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  // A running query holds a libuv thread; the pool of 8, the admin session and the file system need theirs.
  return { ...Object.fromEntries(kept), TZ: 'UTC', UV_THREADPOOL_SIZE: '16' }
}

/** Passes complete lines on and keeps the last few for an explanation. */
function collectLines(child: ChildProcess, onLine: (line: string) => void): () => string {
  let kept: readonly string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = (lines.pop() ?? '').slice(-4096)
      for (const line of lines) onLine(line)
      kept = [...kept, ...lines].slice(-10)
    })
    stream?.on('end', () => {
      if (rest !== '') kept = [...kept, rest]
    })
  }
  return () => kept.join(' ').trim().slice(-1000)
}
