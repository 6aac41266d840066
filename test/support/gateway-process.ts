// The gateway as its own process, started from the command line as an operator would, so that it can be killed.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export type GatewayProcess = {
  readonly pid: number
  readonly gatewayUrl: string
  readonly adminUrl: string
  /** The key printed at the first start; '' later. */
  readonly key: string
  readonly output: () => string
  /** Sends a signal and resolves with exit code and signal once the process has ended. */
  readonly end: (
    signal: NodeJS.Signals,
  ) => Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Environment of a gateway on free ports, with everything under `folder` and nothing of ours inherited. */
export function gatewayEnv(
  folder: string,
  more: { readonly [name: string]: string },
): { readonly [name: string]: string } {
  return {
    PATH: process.env['PATH'] ?? '',
    TOLLGATE_LISTEN: '127.0.0.1:0',
    TOLLGATE_ADMIN_LISTEN: '127.0.0.1:0',
    TOLLGATE_DATA_DIR: join(folder, 'data'),
    TOLLGATE_POLICIES_DIR: join(folder, 'policies'),
    TOLLGATE_WATCH: 'off',
    ...more,
  }
}

/** Runs the command line; resolves when it ends. */
export async function runCli(
  args: readonly string[],
  env: { readonly [name: string]: string },
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [join(root, 'bin/tollgate.mjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const read = collect(child)
  const [code] = await once(child, 'close')
  return { code: typeof code === 'number' ? code : null, out: read() }
}

/** Starts `tollgate start` and resolves when it has said that it is up. Rejects with its output when it ends before. */
export async function startGatewayProcess(env: { readonly [name: string]: string }): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [join(root, 'bin/tollgate.mjs'), 'start'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const read = collect(child)
  const closed = once(child, 'close')
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (read().includes('usage --group-by')) resolve()
    })
    child.once('close', () => reject(new Error(`the gateway did not start:\n${read()}`)))
  })
  const found = (pattern: RegExp): string => pattern.exec(read())?.[1] ?? ''
  return {
    pid: child.pid ?? 0,
    gatewayUrl: found(/gateway\s+(http:\S+)/),
    adminUrl: found(/admin\s+(http:\S+)/),
    key: found(/\n {2}(tg_live_\w+)\n/),
    output: read,
    end: async (signal) => {
      child.kill(signal)
      await closed
      return { code: child.exitCode, signal: child.signalCode }
    },
  }
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      text += chunk
    })
  }
  return () => text
}
