// The stop button against a real gateway and a simulated upstream, by unmodified SDK clients and the command line.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { APIError } from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import type { ScenarioInput } from '../../src/simulator/simulator.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

const usage = {
  input_tokens: 1,
  output_tokens: 1,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
}
/** Works for an hour, unless somebody interrupts it. */
const endless: ScenarioInput = {
  name: 'endless',
  turns: [
    [
      { type: 'span.model_request_start', thread: 'primary' },
      {
        type: 'span.model_request_end',
        thread: 'primary',
        delayMs: 3_600_000,
        fields: { model_usage: usage },
      },
    ],
  ],
}

let house: TestHouse
let agent = ''
let environment = ''
let other = ''
beforeAll(async () => {
  house = await openTestHouse({ simulator: { scenario: endless } })
  const client = house.client()
  environment = (await client.beta.environments.create({ name: 'stops' })).id
  agent = (await client.beta.agents.create({ name: 'worker', model: 'claude-haiku-4-5' })).id
  await client.beta.agents.update(agent, { version: 1, system: 'be quick' })
  other = (await client.beta.agents.create({ name: 'bystander', model: 'claude-haiku-4-5' })).id
})
afterAll(() => house.destroy())
/** No stop outlives its test. */
afterEach(liftAll)
async function liftAll(): Promise<void> {
  for (const { stop_id: id, in_force: holds } of await stops()) if (holds) await run(`lift ${id}`)
}

const shown = z.object({
  stops: z.array(
    z.looseObject({
      stop_id: z.string(),
      in_force: z.boolean(),
      sessions: z.number(),
      failed: z.number(),
      p99_ms: z.number().nullable(),
      not_stopped: z.array(z.string()),
    }),
  ),
})
const stops = async () => shown.parse(await (await house.admin('/api/v1/stops')).json()).stops

async function run(args: string, ...more: readonly string[]): Promise<string> {
  const printed: string[] = []
  const keep = (text: string) => void printed.push(text)
  const env = { TOLLGATE_KEY: house.key, TOLLGATE_ADMIN_URL: house.adminUrl }
  const io = { out: keep, err: keep, readFile: () => '', env, untilStopped: async () => {} }
  const code = await runTollgate([...args.split(' '), ...more], io)
  return `${code} ${printed.join('')}`
}
const stop = (args: string) => run(`stop ${args}`, '--reason', 'deletes branches')
/** `403 …`; '' when it went through. */
const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => '',
    (error: unknown) => (error instanceof APIError ? `${error.status} ${error.message}` : String(error)),
  )
const create = (id: Parameters<typeof createBy>[2] = agent) => createBy(house.key, environment, id)
const createBy = (
  apiKey: string,
  environmentId: string,
  id: string | { type: 'agent'; id: string; version: number },
) => house.client({ apiKey }).beta.sessions.create({ agent: id, environment_id: environmentId })
const say = (session: string, apiKey = house.key) =>
  house.client({ apiKey }).beta.sessions.events.send(session, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'go on' }] }],
  })
async function work(id = agent): Promise<string> {
  const { id: session } = await create(id)
  await say(session)
  await house.writer.flush()
  return session
}
const billOf = (session: string) =>
  house.simulator.bill().sessions.find(({ session_id }) => session_id === session)

test('a stopped agent begins nothing, its live sessions are interrupted, and others work on', async () => {
  const [session, bystander] = [await work(), await work(other)]
  expect(await stop(`--agent ${agent}`)).toMatch(/^0 .* is stopped\n {2}sessions +1 stopped/)
  expect(billOf(session)?.status).toBe('idle')
  expect(billOf(bystander)?.status).toBe('running')
  const before = house.simulator.requests().length
  expect(await refusalOf(create())).toMatch(
    /403 .*agent `agent_\w+` is stopped by first-admin until somebody lifts it: deletes branches; ask them/,
  )
  expect(await refusalOf(say(session))).toContain('deletes branches')
  // Looks at what the session and the agent are, and nothing of what was refused.
  expect(
    house.simulator
      .requests()
      .slice(before)
      .filter(({ method }) => method !== 'GET'),
  ).toEqual([])
  expect(await refusalOf(create(other))).toBe('')
  // Reading, interrupting and archiving stay allowed.
  const { sessions } = house.client().beta
  expect(await refusalOf(sessions.retrieve(session))).toBe('')
  expect(await refusalOf(sessions.events.send(session, { events: [{ type: 'user.interrupt' }] }))).toBe('')
  expect(await refusalOf(sessions.archive(session))).toBe('')
})

test('one version is stopped, and another of the same agent is not', async () => {
  await stop(`--agent ${agent}@2`)
  expect(await refusalOf(create({ type: 'agent', id: agent, version: 1 }))).toBe('')
  expect(await refusalOf(create({ type: 'agent', id: agent, version: 2 }))).toContain('version 2 is stopped')
  // Who names none gets the latest, which is the one that is stopped.
  expect(await refusalOf(create())).toContain('version 2 is stopped')
})

test('an open stream ends with an event that says why, whole, and cannot be opened again', async () => {
  const session = await work()
  const stream = await house.client().beta.sessions.events.stream(session)
  const reading = (async () => {
    const seen: string[] = []
    for await (const event of stream)
      seen.push(event.type === 'session.error' ? event.error.message : event.type)
    return seen
  })()
  await stop(`--session ${session}`)
  expect((await reading).at(-1)).toContain(`session \`${session}\` is stopped by first-admin`)
  expect(await refusalOf(house.client().beta.sessions.events.stream(session))).toContain('deletes branches')
  await until(
    async () => {
      await house.writer.flush()
      return house.ledger.query<{ decision: string }>(
        `SELECT decision FROM tollgate.exchanges FINAL WHERE session_id = '${session}' AND end_reason = 'stopped'`,
      )
    },
    (rows) => rows.length === 1,
  )
})

test('a caller, a team and a key are stopped with what they made, and nobody else', async () => {
  const key = addCaller(house, 'bot', 'builders', 'developer')
  await house.refreshPolicies()
  const theirs = house.client({ apiKey: key }).beta
  const own = (await theirs.agents.create({ name: 'own', model: 'claude-haiku-4-5' })).id
  const place = (await theirs.environments.create({ name: 'own' })).id
  for (const target of ['--caller bot', '--team builders', `--key ${key.split('_')[2]}`]) {
    const { id: session } = await createBy(key, place, own)
    await say(session, key)
    await house.writer.flush()
    expect(await stop(target)).toMatch(/sessions +1 stopped/)
    expect(billOf(session)?.status).toBe('idle')
    expect(await refusalOf(createBy(key, place, own))).toContain('deletes branches')
    // A stopped key may not even read.
    const read = await refusalOf(theirs.sessions.retrieve(session))
    expect(read === '').toBe(!target.startsWith('--key'))
    expect(await refusalOf(create(other))).toBe('')
    await liftAll()
    await theirs.sessions.archive(session)
    await house.writer.flush()
  }
})

test('who may not see a session is not told that it is stopped', async () => {
  const stranger = addCaller(house, 'stranger', 'elsewhere', 'developer')
  await house.refreshPolicies()
  const session = await work()
  const absent = `${session.slice(0, -6)}zzzzzz`
  const before = [await refusalOf(say(session, stranger)), await refusalOf(say(absent, stranger))]
  await stop(`--agent ${agent}`)
  const after = await refusalOf(say(session, stranger))
  const plain = (text: string) =>
    text
      .replaceAll(/"(request|trace)_id":"\w+"/g, '')
      .replaceAll(session, 'ID')
      .replaceAll(absent, 'ID')
  expect(after).toContain('404')
  expect([...before, after].map(plain)).toEqual(Array.from({ length: 3 }, () => plain(after)))
})

test('a deployment is paused and starts nothing', async () => {
  const { deployments } = house.client().beta
  const { id } = await deployments.create({
    agent: other,
    environment_id: environment,
    name: 'nightly',
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'good night' }] }],
  })
  expect(await stop(`--deployment ${id}`)).toContain('deployments  1 paused')
  expect((await deployments.retrieve(id)).status).toBe('paused')
  expect(await refusalOf(deployments.run(id))).toContain('deletes branches')
  expect(await refusalOf(deployments.unpause(id))).toContain('deletes branches')
})

test('trying it out names what it would hit and touches nothing', async () => {
  const session = await work()
  const before = house.simulator.requests().length
  const out = await run(`stop --agent ${agent} --dry-run`)
  expect(out).toContain(session)
  expect(out).toMatch(/would stop agent .* nothing is stopped/)
  expect(
    house.simulator
      .requests()
      .slice(before)
      .filter(({ method }) => method !== 'GET'),
  ).toEqual([])
  expect(billOf(session)?.status).toBe('running')
  expect(await refusalOf(create())).toBe('')
})

test('everything is stopped, direct calls of a model too, and whoever may read still reads', async () => {
  const sessions = [await work(), await work(other)]
  await stop('--all')
  expect(sessions.map((session) => billOf(session)?.status)).toEqual(['idle', 'idle'])
  const message = {
    model: 'claude-haiku-4-5',
    max_tokens: 16,
    messages: [{ role: 'user' as const, content: 'hello' }],
  }
  expect(await refusalOf(house.client().messages.create(message))).toContain(
    'everything is stopped by first-admin',
  )
  expect(await refusalOf(create())).toContain('everything is stopped')
  expect(await refusalOf(house.client().beta.sessions.retrieve(sessions[0] ?? ''))).toBe('')
  await liftAll()
  expect(await refusalOf(house.client().messages.create(message))).toBe('')
})

test('archiving takes the sessions away for good', async () => {
  const session = await work(other)
  expect(await stop(`--session ${session} --archive`)).toMatch(/sessions +1 stopped/)
  expect((await house.client().beta.sessions.retrieve(session)).archived_at).not.toBeNull()
})

test('an order without a reason, without a target or with two is refused, and so is who may not order', async () => {
  expect(await run(`stop --agent ${agent}`)).toContain('say why with --reason')
  expect(await run('stop', '--reason', 'because')).toContain('name one of')
  expect(await run(`stop --all --agent ${agent}`, '--reason', 'because')).toContain('name one of')
  const auditor = addCaller(house, 'reader', 'platform', 'auditor')
  await house.refreshPolicies()
  const answer = await fetch(`${house.adminUrl}/api/v1/stop`, {
    method: 'POST',
    headers: { authorization: `Bearer ${auditor}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'all', reason: 'because I can' }),
  })
  expect(answer.status).toBe(403)
  expect((await stops()).every(({ in_force }) => !in_force)).toBe(true)
})

test('it ends by itself when its time is over, and lifting it lets work begin', async () => {
  await stop(`--agent ${other} --for 5s`)
  expect(await refusalOf(create(other))).toContain('is stopped by first-admin until 20')
  await until(
    () => refusalOf(create(other)),
    (refused) => refused === '',
  )
  await stop(`--agent ${other}`)
  const [{ stop_id: id } = { stop_id: '' }] = await stops()
  expect(await run(`lift ${id}`)).toContain('is no longer stopped')
  expect(await refusalOf(create(other))).toBe('')
  expect(await run('lift stop_unknown')).toContain('there is no stop')
})

test('a hundred live sessions stop, and every one of them is in the audit log with its time', async () => {
  const crowd = (await house.client().beta.agents.create({ name: 'crowd', model: 'claude-haiku-4-5' })).id
  const all = await Promise.all(Array.from({ length: 100 }, () => work(crowd)))
  await stop(`--agent ${crowd}`)
  const done = await until(
    async () => (await stops())[0],
    (each) => each?.sessions === 100,
  )
  expect([done?.failed, done?.not_stopped]).toEqual([0, []])
  process.stdout.write(`a hundred live sessions stopped: slowest hundredth ${done?.p99_ms} ms\n`)
  expect(all.filter((session) => billOf(session)?.status === 'running')).toEqual([])
  await until(
    async () => {
      await house.writer.flush()
      return house.ledger.query<{ count: string }>(
        `SELECT toString(count()) AS count FROM tollgate.audit_entries
         WHERE position(entry, 'stop.session') > 0 AND position(entry, '${done?.stop_id}') > 0`,
      )
    },
    (rows) => rows[0]?.count === '100',
  )
})

test('a stop holds over a restart, also where the ledger forgot it, and a broken file stops the start', async () => {
  await stop(`--agent ${agent}`)
  await house.ledger.command('TRUNCATE TABLE tollgate.stops')
  house = await house.reopen()
  expect(await refusalOf(create())).toContain('deletes branches')
  // What this gateway knows comes back into the ledger.
  await until(
    () =>
      house.ledger.query<{ count: string }>(
        'SELECT toString(count()) AS count FROM tollgate.stops FINAL WHERE lifted_at_ms = 0',
      ),
    (rows) => rows[0]?.count !== '0',
  )
  // And what others put there holds here within seconds.
  await house.ledger.command(
    `INSERT INTO tollgate.stops SELECT 'stop_elsewhere', 'agent', '${other}', 0, 'seen elsewhere', 'colleague',
     toUnixTimestamp64Milli(now64(3)), 0, 0, '', 0, 1`,
  )
  await until(
    () => refusalOf(create(other)),
    (refused) => refused.includes('stopped by colleague'),
  )
  const file = join(house.folder, 'data', 'stops.json')
  await until(
    async () => readFileSync(file, 'utf8'),
    (text) => text.includes('stop_elsewhere'),
  )
  const whole = readFileSync(file)
  await house.close()
  writeFileSync(file, whole.subarray(0, 20))
  await expect(house.reopen()).rejects.toThrow('says what is stopped')
  writeFileSync(file, whole)
  house = await house.reopen()
})
