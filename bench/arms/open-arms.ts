// All arms in front of one upstream, started fresh.
import { join } from 'node:path'
import { measuredCore, startOwn } from '../machine/programs.ts'
import type { Run } from '../run/run.ts'
import type { Arm, ArmName } from './arm.ts'
import { startNginxProxy } from './nginx.ts'
import { startPortkey } from './portkey.ts'
import { startTollgate } from './tollgate.ts'

export type ArmsOptions = {
  readonly folder: string
  readonly upstreamUrl: string
  /** Where the second gateway exports its spans; without it there is no second gateway. */
  readonly otlpUrl?: string
  /** How many files and sockets each may open; unset: as many as we may. */
  readonly descriptors?: number
}

/** The upstream itself, then what stands in front of it, each in a process on the measured core. */
export async function openArms(run: Run, options: ArmsOptions): Promise<readonly Arm[]> {
  const { upstreamUrl, otlpUrl } = options
  const direct: Arm = { name: 'direct', url: upstreamUrl, headers: {}, pid: null }
  const openers: { readonly [arm in Exclude<ArmName, 'direct'>]: () => Promise<Arm> } = {
    nginx: () => openNginx(options),
    'http-proxy': () => openHttpProxy(options),
    portkey: () => startPortkey({ core: measuredCore, upstreamUrl, ...descriptorsOf(options) }),
    tollgate: () => openTollgate('tollgate', options),
    'tollgate + otlp': () => openTollgate('tollgate + otlp', options),
  }
  const arms: Arm[] = run.has('direct') ? [direct] : []
  for (const name of ['nginx', 'http-proxy', 'portkey', 'tollgate', 'tollgate + otlp'] as const) {
    if (!run.has(name) || (name === 'tollgate + otlp' && otlpUrl === undefined)) continue
    try {
      arms.push(await openers[name]())
    } catch (error) {
      run.failed(name, 'does not start', error)
    }
  }
  return arms
}

async function openNginx(options: ArmsOptions): Promise<Arm> {
  const { url, program } = await startNginxProxy({ ...options, core: measuredCore })
  return { name: 'nginx', url, headers: {}, pid: program.pid }
}

async function openHttpProxy(options: ArmsOptions): Promise<Arm> {
  const place = { core: measuredCore, ...descriptorsOf(options) }
  const { says, pid } = startOwn('http-proxy', 'arms/http-proxy.ts', [options.upstreamUrl], place)
  const [, url = ''] = await says(/listening (\S+)/)
  return { name: 'http-proxy', url, headers: {}, pid }
}

async function openTollgate(name: 'tollgate' | 'tollgate + otlp', options: ArmsOptions): Promise<Arm> {
  const { upstreamUrl, otlpUrl } = options
  const { url, key, program } = await startTollgate({
    folder: join(options.folder, name),
    core: measuredCore,
    upstreamUrl,
    ...descriptorsOf(options),
    ...(name === 'tollgate' || otlpUrl === undefined ? {} : { otlpUrl }),
  })
  return { name, url, headers: { authorization: `Bearer ${key}` }, pid: program.pid }
}

function descriptorsOf({ descriptors }: ArmsOptions): { readonly descriptors?: number } {
  return descriptors === undefined ? {} : { descriptors }
}
