// wrk as a library: as many requests as 32 kept-alive connections can make, for a while.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Arm } from '../arms/arm.ts'
import { loadCore, runProgram } from '../machine/programs.ts'
import type { Run } from '../run/run.ts'

export type Ask = { readonly method: 'GET' | 'POST'; readonly path: string; readonly body: string }

export type WrkRun = { readonly requests: number; readonly perSecond: number }

const connections = 32

const summarySchema = z.object({
  requests: z.number(),
  duration_us: z.number(),
  failures: z.number(),
  timeouts: z.number(),
})

/** Rejects when any answer was not 2xx or 3xx, or a connection failed: then the figure would mean nothing. */
export async function runWrk(run: Run, arm: Arm, ask: Ask, seconds: number): Promise<WrkRun> {
  const script = join(run.folder, 'load.lua')
  // In a file that only we can read, never in the arguments: the headers hold a key.
  writeFileSync(script, luaScript(arm, ask), { mode: 0o600 })
  const out = await runProgram({
    name: 'wrk',
    core: loadCore,
    command: [
      'wrk',
      '-t',
      '1',
      '-c',
      String(connections),
      '-d',
      `${seconds}s`,
      '-s',
      script,
      arm.url + ask.path,
    ],
  })
  const summary = /^\{.*\}$/m.exec(out)?.[0]
  if (summary === undefined) throw new Error(`wrk gave no summary of ${arm.name}:\n${out}`)
  const { requests, duration_us, failures, timeouts } = summarySchema.parse(JSON.parse(summary))
  if (timeouts > 0) {
    run.note(`${arm.name}: some answers took over two seconds; the machine was busy`)
  }
  if (failures > 0 || requests === 0) {
    throw new Error(
      `${arm.name}: ${failures} of ${requests} answers to ${ask.method} ${ask.path} were failures`,
    )
  }
  return { requests, perSecond: requests / (duration_us / 1e6) }
}

function luaScript(arm: Arm, { method, body }: Ask): string {
  const headers = { ...arm.headers, ...(body === '' ? {} : { 'content-type': 'application/json' }) }
  return [
    `wrk.method = ${luaText(method)}`,
    ...(body === '' ? [] : [`wrk.body = ${luaText(body)}`]),
    ...Object.entries(headers).map(([name, value]) => `wrk.headers[ ${luaText(name)} ] = ${luaText(value)}`),
    'function done(summary, latency, requests)',
    '  local e = summary.errors',
    '  io.write(string.format(\'{"requests":%d,"duration_us":%d,"failures":%d,"timeouts":%d}\\n\',',
    '    summary.requests, summary.duration, e.connect + e.read + e.write + e.status, e.timeout))',
    'end',
  ].join('\n')
}

function luaText(text: string): string {
  return `[==[${text}]==]`
}
