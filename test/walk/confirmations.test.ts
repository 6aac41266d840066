// A confirmation is judged by the tool that it lets run: by name, in every way in which a session may show the call, and
// never by a call of another session.
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { addTwoTeams, ask, type TwoTeams } from '../support/two-teams.ts'
import { until } from '../support/until.ts'

let house: TestHouse
let keys: TwoTeams

beforeAll(async () => {
  house = await openTestHouse()
  keys = await addTwoTeams(house)
})
afterAll(() => house.destroy())

type Waiting = { readonly session: string; readonly calls: readonly { id: string; name: string }[] }

/** A session of alpha's whose tool call waits for a person. */
async function openWaiting(): Promise<Waiting> {
  const beta = house.client({ apiKey: keys.alpha }).beta
  const agent = await beta.agents.create({
    name: 'asks',
    model: 'claude-sonnet-5-5',
    tools: [
      {
        type: 'agent_toolset_20260401',
        default_config: { permission_policy: { type: 'always_ask' } },
      },
    ],
  })
  const environment = await beta.environments.create({ name: 'e' })
  const session = await beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  await beta.sessions.events.send(session.id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
  })
  const calls = await until(
    async () => {
      const found: { id: string; name: string }[] = []
      for await (const event of beta.sessions.events.list(session.id)) {
        if (event.type === 'agent.tool_use') found.push({ id: event.id, name: event.name })
      }
      return found
    },
    (found) => found.length > 0,
  )
  return { session: session.id, calls }
}

const confirm = (session: string, id: string, key = keys.alpha) =>
  ask(house, {
    method: 'POST',
    path: `/v1/sessions/${session}/events`,
    key,
    body: { events: [{ type: 'user.tool_confirmation', tool_use_id: id, result: 'allow' }] },
  })

async function recorded(session: string) {
  await house.writer.flush()
  return house.ledger.query<{ capabilities: string; decision: string; rules: string; status: number }>(
    "SELECT capabilities, decision, rules, status FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.send' AND session_id = {session: String} AND capabilities LIKE '%tool.confirm%' ORDER BY exchange_id",
    { session },
  )
}

test('the record of a confirmation names the tool, and a denial of that tool binds', async () => {
  const { session, calls } = await openWaiting()
  const call = calls[0] ?? { id: '', name: '' }
  expect((await confirm(session, call.id)).status).toBe(200)
  const [row] = await recorded(session)
  expect(row).toMatchObject({ decision: 'allowed' })
  expect(row?.capabilities.split('\n')).toContain(`tool.confirm tool/${call.name}`)

  const other = await openWaiting()
  const waiting = other.calls[0] ?? { id: '', name: '' }
  appendFileSync(
    join(house.policiesDir, 'policy.csv'),
    `\np, role:service, alpha, tool.confirm, tool/${waiting.name}, deny\n`,
  )
  await house.refreshPolicies()
  const sent = house.simulator.requests().length
  const refused = await confirm(other.session, waiting.id)
  expect(refused.status).toBe(403)
  expect(refused.body.toString()).toContain(`\`tool.confirm\` on \`tool/${waiting.name}\``)
  const posts = house.simulator
    .requests()
    .slice(sent)
    .filter(({ method }) => method === 'POST')
  expect(posts).toEqual([])
})

test('a call of another session is answered as one that never was, and recorded as denied', async () => {
  const [mine, other] = [await openWaiting(), await openWaiting()]
  const id = other.calls[0]?.id ?? ''
  const missing = `${id.slice(0, -6)}zZ9yY8`
  const answers = [await confirm(mine.session, id), await confirm(mine.session, missing)] as const
  const said = answers.map(({ status, body }) => ({
    status,
    body: body
      .toString()
      .replaceAll(id, '<id>')
      .replaceAll(missing, '<id>')
      .replaceAll(/"request_id":"[^"]*"/g, ''),
  }))
  expect(said[0]).toEqual(said[1])
  expect(said[0]?.status).toBe(400)
  const rows = await recorded(mine.session)
  expect(rows.map(({ decision, rules }) => [decision, rules])).toEqual([
    ['denied', `hidden event/${id}`],
    ['denied', `hidden event/${missing}`],
  ])
})

test('to another team neither the session nor what it waits for exists', async () => {
  const { session, calls } = await openWaiting()
  const theirs = await confirm(session, calls[0]?.id ?? '', keys.beta)
  expect(theirs.status).toBe(404)
  expect(theirs.body.toString()).not.toContain(calls[0]?.name)
})
