// A self-hosted worker behind the gateway: the SDK's own, unmodified, which is never led past it.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { ScenarioInput } from '../../src/simulator/simulator.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { send } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const waits = { type: 'session.status_idle', fields: { stop_reason: { type: 'requires_action' } } }
const writes = {
  type: 'agent.tool_use',
  fields: {
    name: 'write',
    input: { file_path: 'note.txt', content: 'from the worker' },
    evaluated_permission: 'allow',
  },
}
const says = [
  { type: 'span.model_request_start' },
  { type: 'agent.message', fields: { content: [{ type: 'text', text: 'Done.' }] } },
  {
    type: 'span.model_request_end',
    fields: { model_usage: { input_tokens: 10, output_tokens: 5 } },
  },
]
const scenario = { name: 'writes', turns: [[writes, waits, ...says]] } satisfies ScenarioInput

let house: TestHouse
let keys: { readonly worker: string; readonly developer: string }
let environmentId = ''
let environmentKey = ''

beforeAll(async () => {
  house = await openTestHouse({ simulator: { scenario } })
  keys = {
    worker: addCaller(house, 'rack-7', 'platform', 'worker'),
    developer: addCaller(house, 'dev', 'platform', 'developer'),
  }
  await house.refreshPolicies()
  const { environments } = house.client().beta
  environmentId = (await environments.create({ name: 'seat', config: { type: 'self_hosted' } })).id
  const made = await fetch(`${house.simulator.url}/simulator/environments/${environmentId}/keys`, {
    method: 'POST',
  })
  environmentKey = z.looseObject({ environment_key: z.string() }).parse(await made.json()).environment_key
}, 60_000)
afterAll(async () => {
  await house?.destroy()
})

/** A client that says who it is beside a bearer that is the upstream's. */
const beside = (key: string, authToken = environmentKey) =>
  new Anthropic({
    baseURL: house.gatewayUrl,
    authToken,
    defaultHeaders: { 'x-tollgate-key': key },
    maxRetries: 0,
  })

async function startSession(): Promise<string> {
  const { beta } = house.client()
  const agent = await beta.agents.create({
    name: 'helper',
    model: 'claude-sonnet-5-5',
    tools: [{ type: 'agent_toolset_20260401' }],
  })
  const session = await beta.sessions.create({ agent: agent.id, environment_id: environmentId })
  await beta.sessions.events.send(session.id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'write a note' }] }],
  })
  return session.id
}

async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('it was not refused')
  return { status: error.status, message: error.message }
}

const seen = () => house.simulator.requests()

test('the worker of the SDK runs a session to its end through the gateway, by the environment key and the key of the item', async () => {
  const before = seen().length
  const sessionId = await startSession()
  const workdir = await mkdtemp(join(tmpdir(), 'worker-'))
  onTestFinished(() => rm(workdir, { recursive: true, force: true }))
  const abort = new AbortController()
  const client = new Anthropic({
    baseURL: house.gatewayUrl,
    apiKey: keys.worker,
    defaultHeaders: { 'x-tollgate-key': keys.worker },
  })
  const options = { environmentId, environmentKey, workdir, maxIdleMs: 20 }
  const run = client.beta.environments.work.worker(options).run(abort.signal)
  onTestFinished(async () => {
    abort.abort()
    await run
  })
  await until(
    async () => (await house.client().beta.environments.work.stats(environmentId)).depth,
    (depth) => depth === 0,
  )
  const { data } = await beside(keys.worker).beta.environments.work.list(environmentId)
  const item = data.find((one) => one.data.id === sessionId)
  await until(
    () => house.client().beta.environments.work.retrieve(item?.id ?? '', { environment_id: environmentId }),
    ({ state }) => state === 'stopped',
  )
  expect(await readFile(join(workdir, 'note.txt'), 'utf8')).toBe('from the worker')
  const sent = seen().slice(before)
  const bearers = (suffix: string) =>
    new Set(
      sent
        .filter(({ path }) => path.split('?')[0]?.endsWith(suffix))
        .map(({ headers }) => headers['authorization']),
    )
  expect(bearers('/work/poll')).toEqual(new Set(['[environment_key]']))
  expect(bearers('/heartbeat')).toEqual(new Set(['[session_token]']))
  expect(bearers('/events/stream')).toEqual(new Set(['[session_token]']))
  expect(sent.some(({ headers }) => 'x-tollgate-key' in headers)).toBe(false)
})

test('a worker follows the address in its secret to this gateway, and to nowhere else', async () => {
  await startSession()
  const item = await beside(keys.worker).beta.environments.work.poll(environmentId)
  const secret: unknown = JSON.parse(Buffer.from(item?.secret ?? '', 'base64url').toString())
  expect(secret).toEqual({
    sessions_token: expect.stringMatching(/^sk-ant-req-/),
    api_base_url: house.gatewayUrl,
  })
})

test('a bearer of the upstream passes only where one is taken, only with leave, and never in the place of a key', async () => {
  const { beta } = beside(keys.worker)
  expect(await refusal(beta.agents.create({ name: 'x', model: 'claude-sonnet-5-5' }))).toMatchObject({
    status: 403,
    message: expect.stringContaining('leave out the `authorization` header'),
  })
  expect(
    await refusal(beta.environments.work.retrieve('work_1', { environment_id: environmentId })),
  ).toMatchObject({
    status: 403,
    message: expect.stringContaining('leave out the `authorization` header'),
  })
  const developer = beside(keys.developer).beta
  expect(await refusal(developer.environments.work.poll(environmentId))).toMatchObject({
    status: 403,
    message: expect.stringContaining('credential.passthrough'),
  })
  const before = seen().length
  const get = (headers: readonly string[]) =>
    send(`${house.gatewayUrl}/v1/environments/${environmentId}/work/poll?beta=true`, {
      headers: ['host', 'gateway', ...headers],
    })
  const refused = await Promise.all(
    [
      ['authorization', `Bearer ${environmentKey}`],
      ['x-tollgate-key', 'tg_live_nothing', 'authorization', `Bearer ${environmentKey}`],
      ['x-tollgate-key', keys.worker, 'authorization', `Bearer ${keys.developer}`],
      ['x-tollgate-key', keys.worker, 'authorization', 'Bearer sk-ant-api03-whole-workspace'],
      ['x-tollgate-key', keys.worker, 'authorization', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.'],
      ['x-tollgate-key', keys.worker, 'authorization', `Basic ${environmentKey}`],
      ['x-tollgate-key', keys.worker, 'authorization', 'Bearer a', 'authorization', 'Bearer b'],
      ['x-tollgate-key', keys.worker, 'x-tollgate-key', keys.developer],
      ['x-tollgate-key', keys.worker, 'x-api-key', keys.developer],
    ].map(get),
  )
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401))
  expect(refused.map(({ body }) => body.toString()).join()).not.toContain(environmentKey)
  expect(seen().length).toBe(before)
})

test('the key of the gateway in its own header alone is a key like any other', async () => {
  const answer = await send(`${house.gatewayUrl}/v1/agents`, {
    headers: [
      'host',
      'gateway',
      'x-tollgate-key',
      house.key,
      'anthropic-version',
      '2023-06-01',
      'anthropic-beta',
      'managed-agents-2026-04-01',
    ],
  })
  expect(answer.status).toBe(200)
  expect(seen().at(-1)?.headers['authorization']).toBe('[key 0]')
})
