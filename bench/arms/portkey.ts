// Portkey's gateway, as another gateway people could choose: an npm package of its own folder, `bench/portkey/`, with a
// lock file of its own. Installed there when it is first wanted, so that a clone of Tollgate never carries it.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { freePort } from '../machine/ports.ts'
import { root, startProgram } from '../machine/programs.ts'
import type { Arm } from './arm.ts'

const folder = join(root, 'bench/portkey')
const installMs = 180_000

// What npm writes about a tree: enough to see whether that of the lock file is installed.
const treeSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), optional: z.boolean().optional() }),
  ),
})

/** Installs it when it is not; returns null, or why it cannot be had. */
export function ensurePortkey(): string | null {
  if (isInstalled()) return null
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
  const done = spawnSync('npm', flags, { encoding: 'utf8', timeout: installMs, cwd: folder })
  if (done.status === 0) return null
  const why = done.error?.message ?? done.stderr.split('\n').find((line) => /npm (ERR!|error)/.test(line))
  return `npm could not install it (${(why ?? `status ${done.status}`).replace(/^npm (ERR!|error) /, '')})`
}

/** Its version as installed; '' when it is not. */
export function portkeyVersion(): string {
  return (
    readTree(join(folder, 'node_modules/.package-lock.json'))?.get('node_modules/@portkey-ai/gateway') ?? ''
  )
}

/** Started as its documentation says, in production, told by header to pass everything on to `upstreamUrl`. */
export async function startPortkey(options: {
  readonly core: number
  readonly upstreamUrl: string
  readonly descriptors?: number
}): Promise<Arm> {
  const { upstreamUrl, ...place } = options
  const port = await freePort()
  const script = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const program = startProgram({
    name: 'portkey',
    ...place,
    command: [process.execPath, script, `--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production' },
    cwd: folder,
    // It prints a stack trace for every answered GET.
    isNoisy: true,
  })
  await program.says(/Ready for connections/)
  return {
    name: 'portkey',
    url: `http://127.0.0.1:${port}`,
    headers: {
      authorization: 'Bearer benchmark',
      'x-portkey-provider': 'openai',
      // It takes the path after its own `/v1`.
      'x-portkey-custom-host': `${upstreamUrl}/v1`,
    },
    // This is how it knows a stream, and reads its events as our gateway does. The answer to a GET it passes on unread.
    streamBody: '{"stream":true}',
    pid: program.pid,
  }
}

function isInstalled(): boolean {
  const wanted = readTree(join(folder, 'package-lock.json'))
  const installed = readTree(join(folder, 'node_modules/.package-lock.json'))
  if (wanted === null || installed === null) return false
  return [...wanted].every(([path, version]) => path === '' || installed.get(path) === version)
}

/** Versions by path, without what a platform may lack; null when there is no such file. */
function readTree(path: string): ReadonlyMap<string, string> | null {
  try {
    const { packages } = treeSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    const firm = Object.entries(packages).filter(([, { optional }]) => optional !== true)
    return new Map(firm.map(([name, { version = '' }]) => [name, version]))
  } catch {
    return null
  }
}
