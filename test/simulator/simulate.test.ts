// `tollgate simulate`: the simulator as a process of its own, steered by flags, files and admin calls.
import Anthropic, { InternalServerError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { deferred } from '../support/deferred.ts'
import { until } from '../support/until.ts'

type Files = { readonly [path: string]: string }

/** Runs the command line until `stop`; what it printed and how it ended. */
function run(args: readonly string[], files: Files = {}) {
  const stopped = deferred()
  let out = ''
  let err = ''
  const exitCode = runTollgate(['simulate', ...args], {
    env: {},
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw new Error('no such file')
      return text
    },
    untilStopped: () => stopped.promise,
  })
  return { exitCode, out: () => out, err: () => err, stop: () => stopped.resolve() }
}

/** The same, listening on a free port. */
async function start(args: readonly string[], files: Files = {}) {
  const process = run(['--port', '0', ...args], files)
  onTestFinished(async () => {
    process.stop()
    expect(await process.exitCode).toBe(0)
  })
  const printed = await until(process.out, (text) => text.includes('/simulator/bill'))
  const url = /answers at (\S+)/.exec(printed)?.[1] ?? ''
  const client = (apiKey: string) => new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })
  return { ...process, url, client }
}

const say = { events: [{ type: 'user.message' as const, content: [{ type: 'text' as const, text: 'go' }] }] }

test('help names every option and the paths beside the API', async () => {
  const { exitCode, out } = run(['--help'])
  expect(await exitCode).toBe(0)
  const flags =
    '--port --host --key --scenario --heartbeat-ms --faults --rate-limits --gzip --manual-clock --tls-cert'
  for (const flag of [...flags.split(' '), '/simulator/faults', '/simulator/clock'])
    expect(out()).toContain(flag)
})

test('it takes the keys it is given, and only them', async () => {
  const { client, out } = await start(['--key', 'one', '--key', 'two'])
  expect(out()).toContain('its key is one')
  for (const key of ['one', 'two']) await client(key).beta.agents.list()
  await expect(client('sk-ant-sim-local').beta.agents.list()).rejects.toMatchObject({ status: 401 })
})

test('a fault file and the documented limits hold from the first request', async () => {
  const faults = [{ path: '/v1/agents', status: 503, times: 1 }]
  const { client } = await start(['--key', 'k', '--rate-limits', '--faults', 'faults.json'], {
    'faults.json': JSON.stringify(faults),
  })
  const own = client('k')
  await expect(own.beta.agents.list()).rejects.toBeInstanceOf(InternalServerError)
  const { response } = await own.beta.agents.list().withResponse()
  expect(response.headers.get('anthropic-ratelimit-requests-limit')).toBe('1200')
})

test('with a manual clock, time moves by admin calls only, and a scenario file is what sessions play', async () => {
  const scenario = 'name: nine-hours\nabout: idle all day\nturns:\n  - - stops: end_turn\n      after: 9h\n'
  const { url, client } = await start(['--manual-clock', '--key', 'k', '--scenario', 'nine.yaml'], {
    'nine.yaml': scenario,
  })
  const clock = async (body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
    const answer: unknown = await (await fetch(`${url}/simulator/clock`, init)).json()
    return z.looseObject({ now_ms: z.number().default(0) }).parse(answer)
  }
  const own = client('k')
  const environment = await own.beta.environments.create({ name: 'e' })
  const agent = await own.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const session = await own.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const before = await clock()
  expect(before).toMatchObject({ manual: true, now: expect.stringMatching(/Z$/) })
  await own.beta.sessions.events.send(session.id, say)
  await clock({ advance_ms: 9 * 3_600_000 - 1 })
  expect((await own.beta.sessions.retrieve(session.id)).status).toBe('running')
  const after = await clock({ advance_ms: 1 })
  expect(after.now_ms - before.now_ms).toBe(9 * 3_600_000)
  expect((await own.beta.sessions.retrieve(session.id)).status).toBe('idle')
  expect(await clock({ advance_ms: -1 })).toMatchObject({ error: { type: 'invalid_request_error' } })
})

test('the machine’s clock cannot be moved', async () => {
  const { url } = await start([])
  const answer = await fetch(`${url}/simulator/clock`, { method: 'POST', body: '{"advance_ms":1}' })
  expect(answer.status).toBe(409)
  expect(await (await fetch(`${url}/simulator/clock`)).json()).toMatchObject({ manual: false, timers: null })
})

test('wrong use says what to do and ends with its own code', async () => {
  const bad = { 'bad.json': '{', 'fault.json': '[{"status":200}]' }
  const cases = [
    { args: ['--port', 'x'], code: 2, says: 'between 0 and 65535' },
    { args: ['--heartbeat-ms', '0'], code: 2, says: 'whole number' },
    { args: ['--faults', 'none.json'], code: 2, says: 'cannot read the fault file `none.json`' },
    { args: ['--faults', 'bad.json'], code: 2, says: 'not valid JSON' },
    { args: ['--port', '0', '--faults', 'fault.json'], code: 1, says: '0.status' },
    { args: ['--tls-cert', 'bad.json'], code: 2, says: 'give both' },
    { args: ['--port', '0', '--scenario', 'nope'], code: 1, says: 'no scenario `nope`' },
  ]
  for (const { args, code, says } of cases) {
    const { exitCode, err } = run(args, bad)
    expect([await exitCode, err()]).toEqual([code, expect.stringContaining(says)])
  }
  const { url } = await start([])
  const taken = run(['--port', new URL(url).port])
  expect([await taken.exitCode, taken.err()]).toEqual([1, expect.stringContaining('is taken')])
})
