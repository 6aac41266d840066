// All arms in front of one upstream, started fresh.
import { join } from 'node:path'
import { measuredCore, startOwn } from '../machine/programs.ts'
import type { Arm } from './arm.ts'
import { startNginxProxy } from './nginx.ts'
import { startTollgate } from './tollgate.ts'

export type ArmsOptions = {
  readonly folder: string
  readonly upstreamUrl: string
  readonly withHttpProxy: boolean
  /** Where the second gateway exports its spans; without it there is no second gateway. */
  readonly otlpUrl?: string
}

/** The upstream itself, then what stands in front of it, each in a process on the measured core. */
export async function openArms(options: ArmsOptions): Promise<readonly Arm[]> {
  const { folder, upstreamUrl, otlpUrl } = options
  const core = measuredCore
  const nginx = await startNginxProxy(folder, core, upstreamUrl)
  const arms: Arm[] = [
    { name: 'direct', url: upstreamUrl, headers: {}, pid: null },
    { name: 'nginx', url: nginx.url, headers: {}, pid: nginx.program.pid },
  ]
  if (options.withHttpProxy) {
    const { says, pid } = startOwn('http-proxy', 'arms/http-proxy.ts', [upstreamUrl], core)
    const [, url = ''] = await says(/listening (\S+)/)
    arms.push({ name: 'http-proxy', url, headers: {}, pid })
  }
  const gateway = async (name: 'tollgate' | 'tollgate + otlp', more: { readonly otlpUrl?: string }) => {
    const { url, key, program } = await startTollgate({
      folder: join(folder, name),
      core,
      upstreamUrl,
      ...more,
    })
    arms.push({ name, url, headers: { authorization: `Bearer ${key}` }, pid: program.pid })
  }
  await gateway('tollgate', {})
  if (otlpUrl !== undefined) await gateway('tollgate + otlp', { otlpUrl })
  return arms
}
