// What a person is told of single sessions: uses of tools with who allowed them, and where facts were not the count.
import { parse as parseCsv } from 'csv-parse/sync'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

let house: TestHouse
let session = ''

const listSchema = z.object({ complete: z.boolean(), rows: z.array(z.record(z.string(), z.unknown())) })

beforeAll(async () => {
  house = await openTestHouse()
  const client = house.client()
  const environment = await client.beta.environments.create({ name: 'walk' })
  const agent = await client.beta.agents.create({ name: 'walker', model: 'claude-sonnet-5-5' })
  const created = await client.beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  session = created.id
  const stream = await client.beta.sessions.events.stream(session)
  await client.beta.sessions.events.send(session, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'delete the old branch' }] }],
  })
  for await (const event of stream) {
    if (event.type !== 'session.status_idle') continue
    if (event.stop_reason.type !== 'requires_action') break
    await client.beta.sessions.events.send(session, {
      events: event.stop_reason.event_ids.map((id) => ({
        type: 'user.tool_confirmation' as const,
        tool_use_id: id,
        result: 'allow' as const,
      })),
    })
  }
  // The upstream tells when it processed what was sent.
  for await (const _ of client.beta.sessions.events.list(session));
})
afterAll(() => house.destroy())

async function read(path: string) {
  await house.writer.flush()
  const answer = await house.admin(path)
  return { status: answer.status, body: await answer.text() }
}

async function run(args: string): Promise<{ readonly code: number; readonly out: string }> {
  const printed: string[] = []
  const keep = (text: string) => void printed.push(text)
  const env = { TOLLGATE_KEY: house.key, TOLLGATE_ADMIN_URL: house.adminUrl }
  const io = { out: keep, err: keep, readFile: () => '', env, untilStopped: async () => {} }
  return { code: await runTollgate(args.split(' '), io), out: printed.join('') }
}

test('a use of a tool is told with its permission, the answer, by which exchange it came, and its result', async () => {
  const uses = await until(
    async () => listSchema.parse(JSON.parse((await read(`/api/v1/tool-uses?session=${session}`)).body)).rows,
    (rows) => rows.length > 0 && rows.every((row) => row['duration_ms'] !== null),
  )
  const asked = uses.filter((use) => use['permission'] === 'ask')
  expect(asked.length).toBeGreaterThan(0)
  const [exchange] = await house.ledger.query<{ id: string }>(
    "SELECT exchange_id AS id FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.send' ORDER BY started_at DESC LIMIT 1",
  )
  for (const use of asked) {
    expect(use).toMatchObject({
      session_id: session,
      confirmation: 'allow',
      confirmed_by: exchange?.id,
      is_error: false,
    })
    expect(use['waited_ms']).toBeGreaterThanOrEqual(0)
    expect(Number(use['duration_ms'])).toBeGreaterThanOrEqual(Number(use['waited_ms']))
  }
})

test('JSON, CSV and the table of the command say the same', async () => {
  const { rows } = listSchema.parse(JSON.parse((await read('/api/v1/tool-uses')).body))
  const csv: readonly Record<string, string>[] = parseCsv((await read('/api/v1/tool-uses?format=csv')).body, {
    columns: true,
  })
  expect(csv.map((row) => row['tool_use_id'])).toEqual(rows.map((row) => row['tool_use_id']))
  const { code, out } = await run(`tools --session ${session}`)
  expect(code).toBe(0)
  for (const row of rows) expect(out).toContain(String(row['tool']))
})

test('where facts are the upstream’s own count there is no adjustment, and the command says so', async () => {
  expect(await run('adjustments')).toEqual({
    code: 0,
    out: "no adjustments: the facts are the provider's own count\n",
  })
})

test.each([
  ['/api/v1/tool-uses?since=1', '`since` is not a parameter'],
  ['/api/v1/adjustments?session=a%20b', '`session` is no id'],
  ['/api/v1/adjustments?from=yesterday', '`from` is neither a date'],
  ['/api/v1/adjustments?from=2026-02-01&to=2026-01-01', '`from` must be before `to`'],
])('%s is refused with what is wrong', async (path, says) => {
  const { status, body } = await read(path)
  expect(status).toBe(400)
  expect(body).toContain(says)
})
