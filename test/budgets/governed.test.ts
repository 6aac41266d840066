// Budgets as an unmodified SDK client meets them: limits injected, new work refused with a sentence, thresholds told, what
// runs interrupted; and what people see of it.
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import type { ScenarioInput } from '../../src/simulator/simulator.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

/** Ten requests of 10,000 tokens in and out: of claude-sonnet-5-5 some cents each. */
const spender: ScenarioInput = {
  name: 'spender',
  turns: [
    Array.from({ length: 10 }, () => [
      { type: 'span.model_request_start', thread: 'primary' },
      {
        type: 'span.model_request_end',
        thread: 'primary',
        delayMs: 1,
        fields: {
          model_usage: {
            input_tokens: 10_000,
            output_tokens: 10_000,
            cache_read_input_tokens: 0,
            cache_creation_input_tokens: 0,
          },
        },
      },
    ]).flat(),
  ],
}
/** Works until somebody interrupts it. */
const endless: ScenarioInput = {
  name: 'endless',
  turns: [
    [
      { type: 'span.model_request_start', thread: 'primary' },
      {
        type: 'span.model_request_end',
        thread: 'primary',
        delayMs: 1,
        fields: {
          model_usage: {
            input_tokens: 900,
            output_tokens: 200,
            cache_read_input_tokens: 0,
            cache_creation_input_tokens: 0,
          },
        },
      },
      { type: 'span.model_request_start', thread: 'primary' },
      {
        type: 'span.model_request_end',
        thread: 'primary',
        delayMs: 3_600_000,
        fields: {
          model_usage: {
            input_tokens: 1,
            output_tokens: 1,
            cache_read_input_tokens: 0,
            cache_creation_input_tokens: 0,
          },
        },
      },
    ],
  ],
}

const key = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const received: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = []
let refusals = 1
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => void chunks.push(chunk))
  request.on('end', () => {
    refusals -= 1
    if (refusals >= 0) return response.writeHead(503).end()
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    return response.writeHead(204).end()
  })
})

let house: TestHouse
let agent = ''
let environment = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const address = z.object({ port: z.number() }).parse(receiver.address())
  house = await openTestHouse({
    simulator: { scenarios: [spender, endless] },
    env: {
      TOLLGATE_BUDGET_REFRESH_MS: '100',
      TOLLGATE_BUDGET_WEBHOOK_URL: `http://127.0.0.1:${address.port}/told`,
      TOLLGATE_BUDGET_WEBHOOK_KEY: key,
    },
  })
  environment = (await house.client().beta.environments.create({ name: 'budgets' })).id
})
afterAll(async () => {
  await house.destroy()
  await new Promise((resolve) => receiver.close(resolve))
})

/** Each test has an agent of its own, which its budget is for. */
beforeEach(async () => {
  agent = (await house.client().beta.agents.create({ name: 'spender', model: 'claude-sonnet-5-5' })).id
})

async function limit(entry: string): Promise<void> {
  writeFileSync(join(house.policiesDir, 'budgets.yaml'), `budgets:\n  - { ${entry}, agent: ${agent} }\n`)
  await house.refreshPolicies()
}
const create = (scenario = 'spender', given: object = {}) =>
  house.client().beta.sessions.create({
    agent,
    environment_id: environment,
    metadata: { simulator_scenario: scenario },
    ...given,
  })
const say = (session: string) =>
  house.client().beta.sessions.events.send(session, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'go on' }] }],
  })
/** `403 budget.exhausted …`; '' when it went through. */
const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => '',
    (error: unknown) => (error instanceof APIError ? `${error.status} ${error.message}` : String(error)),
  )
const rowSchema = z.object({
  name: z.string(),
  spent: z.string(),
  held: z.string(),
  left: z.string(),
  state: z.string(),
  used_percent: z.number(),
})
async function rowOf(name: string) {
  await house.writer.flush()
  const answer = await house.admin('/api/v1/budgets')
  const { rows } = z.object({ rows: z.array(rowSchema) }).parse(await answer.json())
  return rows.find((row) => row.name === name)
}
/** Streams one turn of a session to its rest. */
async function run(session: string): Promise<readonly string[]> {
  const client = house.client()
  const stream = await client.beta.sessions.events.stream(session)
  await say(session)
  const seen: string[] = []
  for await (const event of stream) {
    seen.push(event.type === 'session.status_idle' ? `idle ${event.stop_reason.type}` : event.type)
    if (event.type === 'session.status_idle') break
  }
  return seen
}

test('fifty parallel creators get together what is left and not a cent more', async () => {
  await limit('name: crowd, period: month, usd: "1.00", per_session_usd: "0.30"')
  const before = house.simulator.requests().length
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => create()))
  const made = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  expect(made.map(({ budget }) => Number(budget?.max_list_cost.amount)).toSorted((a, b) => a - b)).toEqual([
    10, 30, 30, 30,
  ])
  const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))
  expect(new Set(refused.map((each) => each.replace(/"(request|trace)_id":"\w+"/g, ''))).size).toBe(1)
  expect(refused[0]).toContain('403')
  expect(refused[0]).toContain('budget `crowd` has nothing left for new work')
  // A refused one never goes up.
  expect(house.simulator.requests().length - before).toBe(4)
  expect(await rowOf('crowd')).toMatchObject({ held: '1.00', left: '0.00' })
  // What its own limit holds goes on.
  expect(await refusalOf(say(made[0]?.id ?? ''))).toBe('')
})

test('a session stops at the limit it was given, at most one model request beyond it', async () => {
  await limit('name: cap, period: day, usd: "10.00", per_session_usd: "0.40"')
  const session = await create()
  expect(session.budget).toEqual({ type: 'limit', max_list_cost: { amount: '40', currency: 'USD' } })
  const seen = await run(session.id)
  expect(seen.at(-1)).toBe('idle budget_reached')
  const requests = seen.filter((type) => type === 'span.model_request_end').length
  const bill = house.simulator.bill().sessions.find((each) => each.session_id === session.id)
  const cents = Number(bill?.cost_usd ?? 0) * 100
  expect(cents).toBeGreaterThanOrEqual(40)
  expect(cents - cents / requests).toBeLessThan(40)
  // The ledger has of it what the provider says, and the budget counts that.
  await until(
    async () => Number((await rowOf('cap'))?.spent),
    (spent) => Math.abs(spent * 100 - cents) < 1,
  )
})

test('what was asked for smaller stays to the byte, what was asked for larger is lowered, and a limit cannot go', async () => {
  await limit('name: each, period: day, usd: "10.00", per_session_usd: "1.00"')
  const of = (amount: string) => ({
    budget: { type: 'limit' as const, max_list_cost: { amount, currency: 'USD' as const } },
  })
  const small = await create('spender', of('7'))
  const large = await create('spender', of('5000'))
  expect([small.budget?.max_list_cost.amount, large.budget?.max_list_cost.amount]).toEqual(['7', '100'])
  const update = (given: object) => refusalOf(house.client().beta.sessions.update(small.id, given))
  expect(await update({ budget: null })).toContain('needs a limit on every session')
  expect(await update(of('101'))).toContain('allows this session 1.00 USD at most')
  expect(await update(of('90'))).toBe('')
  const rewritten = await until(
    async () => {
      await house.writer.flush()
      return house.ledger.query<{ rules: string }>(
        `SELECT rules FROM tollgate.exchanges FINAL WHERE session_id = '${large.id}' AND operation = 'sessions.create' AND decision = 'rewritten'`,
      )
    },
    (rows) => rows.length > 0,
  )
  expect(rewritten[0]?.rules).toContain('budgets.yaml:2 limit 100 cents')
})

test('a deployment passes its limit on to the sessions it makes', async () => {
  await limit('name: deployed, period: day, usd: "10.00", per_session_usd: "0.70"')
  const deployment = await house.client().beta.deployments.create({
    agent,
    environment_id: environment,
    name: 'nightly',
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'good night' }] }],
  })
  expect(deployment.budget?.max_list_cost.amount).toBe('70')
})

test('thresholds are told once, signed, though the receiver refused at first; then new work is refused', async () => {
  await limit('name: tokens, period: day, tokens: 1000, warn_at: [50]')
  received.length = 0
  const session = await create()
  await run(session.id)
  await until(
    async () => (await rowOf('tokens'))?.state,
    (state) => state === 'reached',
  )
  const [first] = await until(
    () => received,
    (all) => all.length > 0,
  )
  const headers = Object.fromEntries(
    Object.entries(first?.headers ?? {}).map(([name, value]) => [name, String(value)]),
  )
  const { webhooks } = new Anthropic({ apiKey: 'x' }).beta
  expect(webhooks.unwrap(first?.body ?? '', { headers, key })).toMatchObject({
    type: 'budget.threshold',
    data: { name: 'tokens', threshold: 100, limit: '1000' },
  })
  expect(await refusalOf(create())).toContain('403')
  expect(await refusalOf(say(session.id))).toContain('200000 tokens of 1000 tokens is used')
  // An interrupt is no new work.
  const interrupt = house
    .client()
    .beta.sessions.events.send(session.id, { events: [{ type: 'user.interrupt' }] })
  expect(await refusalOf(interrupt)).not.toContain('budget')
  const again = await house.ledger.query<{ told: string }>(
    "SELECT toString(count()) AS told FROM tollgate.budget_notices WHERE budget = 'tokens'",
  )
  expect(again[0]?.told).toBe('2')
  expect(received.length).toBe(1)
})

test('a warning is in the header of what begins work, and nothing is refused', async () => {
  await limit('name: soft, period: day, tokens: 200000, warn_at: [50], on_reach: warn')
  const session = await create()
  await run(session.id)
  await until(
    async () => (await rowOf('soft'))?.used_percent ?? 0,
    (used) => used >= 100,
  )
  const { response } = await create('spender').withResponse()
  expect(response.headers.get('x-tollgate-budget')).toBe('soft;used=100%')
})

test('what runs on when its budget is used up is interrupted, and the audit log says by which budget', async () => {
  await limit('name: hard, period: day, tokens: 1000, on_reach: interrupt')
  const session = await create('endless')
  const seen = await run(session.id)
  expect(seen.at(-1)).toMatch(/^idle /)
  const acts = await until(
    async () => {
      await house.writer.flush()
      return house.ledger.query<{ entry: string }>(
        "SELECT entry FROM tollgate.audit_entries WHERE position(entry, 'budget.interrupt') > 0",
      )
    },
    (rows) => rows.length > 0,
  )
  expect(acts[0]?.entry).toContain(session.id)
})

test('the command line tells what the listener tells, and a broken file keeps the budgets in force', async () => {
  await limit('name: told, period: month, usd: "5.00"')
  const printed: string[] = []
  const keep = (text: string) => void printed.push(text)
  const env = { TOLLGATE_KEY: house.key, TOLLGATE_ADMIN_URL: house.adminUrl }
  const io = { out: keep, err: keep, readFile: () => '', env, untilStopped: async () => {} }
  expect(await runTollgate(['budgets'], io)).toBe(0)
  expect(printed.join('')).toMatch(/told .* 5\.00 /)
  writeFileSync(join(house.policiesDir, 'budgets.yaml'), 'budgets:\n  - { name: told, usd: 5 }\n')
  await house.refreshPolicies()
  expect(house.policies.problem()).toContain('budgets.yaml:2')
  expect(await rowOf('told')).toMatchObject({ spent: '0.00' })
})
