// Clients without an SDK: `fetch` over kept connections, and the system's curl. What they see is the bytes.
import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../support/until.ts'
import { sameBothWays } from './same-both-ways.ts'
import { openWorlds, type World, type Worlds } from './worlds.ts'

let worlds: Worlds
beforeAll(async () => {
  worlds = await openWorlds()
})
afterAll(() => worlds?.close())

const objectShape = z.looseObject({ id: z.string() })
const managed = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'managed-agents-2026-04-01' }
const message = (stream: boolean, script: object = { text: 'Grüße 👋', thinking: 'hm' }) =>
  JSON.stringify({
    model: 'claude-haiku-4-5',
    max_tokens: 4000,
    thinking: { type: 'enabled', budget_tokens: 1024 },
    stream,
    messages: [{ role: 'user', content: `simulator: ${JSON.stringify(script)}` }],
  })

/** Runs the program; answers how many connections this process's fetch opened to the address meanwhile. */
async function countConnections(url: string, program: () => Promise<void>): Promise<number> {
  const connectedShape = z.looseObject({ connectParams: z.looseObject({ port: z.string() }) })
  let count = 0
  const note = (event: unknown): void => {
    if (connectedShape.parse(event).connectParams.port === new URL(url).port) count += 1
  }
  subscribe('undici:client:connected', note)
  await program().finally(() => unsubscribe('undici:client:connected', note))
  return count
}

test('fetch keeps its connection for a whole walk and is given the same', async () => {
  const { given } = await sameBothWays(worlds, async ({ url, key, advance }) => {
    const answers: object[] = []
    const call = async (path: string, body?: unknown, bearer = false) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const answer = await fetch(url + path, {
        method: text === undefined ? 'GET' : 'POST',
        headers: {
          ...managed,
          ...(bearer ? { authorization: `Bearer ${key}` } : { 'x-api-key': key }),
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(text === undefined ? {} : { body: text }),
      })
      const got = await answer.text()
      answers.push({ status: answer.status, type: answer.headers.get('content-type'), got })
      return got
    }
    const create = async (path: string, body: unknown) =>
      objectShape.parse(JSON.parse(await call(path, body))).id
    const connections = await countConnections(url, async () => {
      const environment_id = await create('/v1/environments', { name: 'raw' })
      const agent = await create('/v1/agents', { name: 'raw', model: 'claude-sonnet-5-5' })
      const session = await create('/v1/sessions', { agent, environment_id })
      const events = [{ type: 'user.message', content: [{ type: 'text', text: 'hi' }] }]
      await call(`/v1/sessions/${session}/events`, { events })
      advance(60_000)
      await call(`/v1/sessions/${session}/events?limit=1000`, undefined, true)
      await call(`/v1/sessions/${session}`, undefined, true)
      await call('/v1/messages', message(false))
      await call('/v1/messages', message(true))
      await call('/v1/messages', message(false, { stop_reason: 'no such reason' }))
      await call('/v1/sessions/sesn_nobody')
    })
    // Its pool opens a second connection while the first is just being made; ten requests need no third.
    return { answers, isKept: connections <= 2 }
  })
  expect(given.isKept).toBe(true)
  expect(given.answers).toMatchObject([...Array(8).fill({ status: 200 }), { status: 400 }, { status: 404 }])
  expect(given.answers[7]).toMatchObject({
    type: 'text/event-stream; charset=utf-8',
    got: expect.stringContaining('event: message_stop'),
  })
})

/** Runs curl; `onOutput` may hang up by killing it. */
async function curl({ key }: World, args: readonly string[], onOutput = (_hangUp: () => void): void => {}) {
  const headers = [`x-api-key: ${key}`, ...Object.entries(managed).map((pair) => pair.join(': '))]
  const child = spawn('curl', [
    '-sS',
    '--http1.1',
    '-N',
    ...headers.flatMap((header) => ['-H', header]),
    ...args,
  ])
  const out: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk)
    onOutput(() => child.kill())
  })
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const [code] = await once(child, 'close')
  return { code, out: Buffer.concat(out).toString(), errors: Buffer.concat(errors).toString() }
}
const json = ['-H', 'content-type: application/json']

test('curl is given the same JSON and the same stream, and keeps its connection', async () => {
  const { given } = await sameBothWays(worlds, async (world) => {
    const again = ['-w', '\n%{http_code} %{num_connects} %{content_type}\n']
    const agent = JSON.stringify({ name: 'curled', model: 'claude-sonnet-5-5' })
    const post = (path: string, body: string) => [...json, '-d', body, ...again, world.url + path]
    return {
      agents: await curl(world, [...post('/v1/agents', agent), `${world.url}/v1/agents`]),
      message: await curl(world, post('/v1/messages', message(false))),
      stream: await curl(world, post('/v1/messages', message(true))),
      refused: await curl(world, ['--fail-with-body', ...again, `${world.url}/v1/agents/agent_nobody`]),
      compressed: await curl(world, ['--compressed', ...again, `${world.url}/v1/models`]),
    }
  })
  // The second request of one command opens no connection.
  expect(given.agents.out).toMatch(/\n200 1 application\/json\S*\n[\s\S]*\n200 0 application\/json\S*\n$/)
  expect(given.stream.out).toMatch(/^event: message_start\n[\s\S]*\n200 1 text\/event-stream/)
  expect(given.refused).toMatchObject({ code: 22, out: expect.stringContaining('not_found_error') })
  for (const { errors } of [given.agents, given.message, given.stream, given.compressed])
    expect(errors).toBe('')
})

test('curl tries again when the upstream is overloaded once', async () => {
  const { given, asked } = await sameBothWays(worlds, async (world) => {
    world.simulator.faults.add({ path: '/v1/models', status: 503, retry_after: 1 })
    return curl(world, ['--retry', '2', `${world.url}/v1/models?limit=1`])
  })
  expect(asked).toHaveLength(2)
  expect(given).toMatchObject({ code: 0, out: expect.stringContaining('"has_more":true') })
})

test('curl hangs up in the middle of a stream, and the upstream learns of it', async () => {
  const { given } = await sameBothWays(worlds, async (world) => {
    const requests = () => world.simulator.messageBill().lines.reduce((sum, line) => sum + line.requests, 0)
    const before = requests()
    // The upstream's time stands still: one event comes, the next one never.
    const body = message(true, { text: 'never finished', delay_ms: 1000 })
    const { out } = await curl(world, [...json, '-d', body, `${world.url}/v1/messages`], (hangUp) => hangUp())
    await until(requests, (now) => now > before)
    return out
  })
  expect(given).toMatch(/^event: message_start\ndata: [^\n]+\n\n$/)
})
