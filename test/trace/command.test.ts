// `tollgate trace`: what a session did, for whoever may read the ledger, with no tracing backend at all.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { renderTrace, traceAnswer } from '../../src/cli/trace-tree.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { runCommand } from '../support/run-command.ts'
import { until } from '../support/until.ts'

let house: TestHouse
let developerKey = ''
let sessionId = ''

beforeAll(async () => {
  house = await openTestHouse({ env: { TOLLGATE_WATCH: 'on', TOLLGATE_WATCH_SWEEP_MS: '200' } })
  developerKey = addCaller(house, 'dora', 'search', 'developer')
  await house.refreshPolicies()
  const client = house.client()
  const environment = await client.beta.environments.create({ name: 'prod' })
  const agent = await client.beta.agents.create({ name: 'reviewer', model: 'claude-sonnet-5-5' })
  const session = await client.beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  sessionId = session.id
  const send = (events: Parameters<typeof client.beta.sessions.events.send>[1]['events']) =>
    client.beta.sessions.events.send(sessionId, { events })
  await send([{ type: 'user.message', content: [{ type: 'text', text: 'a secret word: marmalade' }] }])
  const use = await until(
    async () => {
      const events = []
      for await (const event of client.beta.sessions.events.list(sessionId)) events.push(event)
      return events.find(({ type }) => type === 'agent.tool_use')
    },
    (event) => event !== undefined,
  )
  await send([{ type: 'user.tool_confirmation', tool_use_id: use?.id ?? '', result: 'allow' }])
}, 60_000)
afterAll(() => house.destroy())

function trace(args: readonly string[], key = house.key) {
  return runCommand(house, key, ['trace', ...args])
}

const json = async () => traceAnswer.parse(JSON.parse((await trace([sessionId, '--json'])).out))

test('the tree of a turn has its requests with cost, the tool, and who allowed it; nothing that was said', async () => {
  const told = await until(
    async () => {
      await house.writer.flush()
      return json()
    },
    ({ turns }) => turns[0]?.stop_reason === 'end_turn' && turns[0].usage.requests === 2,
  )
  const usage = await house.usage('session')
  expect(told.turns[0]?.usage.cost_usd).toBe(usage.lines.find(({ key }) => key === sessionId)?.token_cost_usd)
  expect([told.agent_name, told.team, told.caller]).toEqual(['reviewer', 'platform', 'first-admin'])
  const { out } = await trace([sessionId])
  expect(out).toContain('reviewer@1')
  expect(out).toMatch(/turn 1 {2}.* {2}\$0\.\d+ {2}end_turn/)
  expect(out).toMatch(/trace [0-9a-f]{32}/)
  expect(out).toMatch(/├─ invoke_agent reviewer .*\n│ {2}└─ chat claude-sonnet-5-5/)
  expect(out).toMatch(/await_approval bash .* allow {2}by platform\/first-admin/)
  expect(out).toMatch(/execute_tool bash .* ask {2}allow/)
  expect(out).not.toContain('marmalade')
  expect(out).not.toContain('ls -la')
})

test('a session nobody knows, an id that is none, and a key that may not read it are refused in sentences', async () => {
  expect(await trace(['sesn_nobody'])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('never heard of'),
  })
  expect(await trace(['../keys'])).toMatchObject({ code: 2, out: '' })
  expect(await trace([sessionId], developerKey)).toMatchObject({
    code: 3,
    out: '',
    err: expect.stringContaining('role operator'),
  })
})

test('a name that a caller chose drives no terminal', async () => {
  const told = await json()
  const text = renderTrace({ ...told, agent_name: 'a\u001b[2Jb\u202e' })
  expect(text).toContain('a\ufffd[2Jb\ufffd')
})
