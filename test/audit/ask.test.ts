// An auditor's afternoon: every question gets the answer that the story has, from the ledger alone.
import Anthropic from '@anthropic-ai/sdk'
import { parse as parseCsv } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { askQuestions } from '../../src/ledger/queries/ask.ts'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

let house: TestHouse
/** Ids of the story. */
const story = { agent: '', environment: '', vault: '', denied: '', approved: '', budgeted: '', dark: '' }
let viewerKey = ''

const answerSchema = z.object({ complete: z.boolean(), rows: z.array(z.record(z.string(), z.unknown())) })

/** Plays one turn to its end; every confirmation asked for is answered so. */
async function play(client: Anthropic, id: string, result: 'allow' | 'deny'): Promise<void> {
  const stream = await client.beta.sessions.events.stream(id)
  const content = [{ type: 'text' as const, text: 'go' }]
  await client.beta.sessions.events.send(id, { events: [{ type: 'user.message', content }] })
  for await (const event of stream) {
    if (event.type !== 'session.status_idle') continue
    if (event.stop_reason.type !== 'requires_action') break
    await client.beta.sessions.events.send(id, {
      events: event.stop_reason.event_ids.map((tool_use_id) => ({
        type: 'user.tool_confirmation' as const,
        tool_use_id,
        result,
      })),
    })
  }
  for await (const _ of client.beta.sessions.events.list(id));
}

beforeAll(async () => {
  house = await openTestHouse()
  const developerKey = addCaller(house, 'dev-ana', 'platform', 'developer')
  viewerKey = addCaller(house, 'view-bo', 'platform', 'viewer')
  await house.refreshPolicies()
  const admin = house.client()
  const developer = house.client({ apiKey: developerKey })

  const environment = await admin.beta.environments.create({ name: 'audited' })
  await admin.beta.environments.update(environment.id, {
    config: { type: 'cloud', networking: { type: 'unrestricted' } },
  })
  const agent = await admin.beta.agents.create({
    name: 'audited',
    model: 'claude-sonnet-5-5',
    tools: [{ type: 'agent_toolset_20260401' }],
  })
  const vault = await admin.beta.vaults.create({ display_name: 'deploy' })
  await admin.beta.vaults.credentials.create(vault.id, {
    auth: { type: 'static_bearer', mcp_server_url: 'https://mcp.example.com', token: 'not-a-secret' },
  })
  const named = { type: 'agent' as const, id: agent.id, version: agent.version }
  const denied = await admin.beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    vault_ids: [vault.id],
    resources: [
      { type: 'github_repository', url: 'https://github.com/acme/shop', authorization_token: 'nothing' },
    ],
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  await play(admin, denied.id, 'deny')
  const approved = await developer.beta.sessions.create({
    agent: named,
    environment_id: environment.id,
    metadata: { simulator_scenario: 'tool_confirmation' },
  })
  await play(admin, approved.id, 'allow')
  const budgeted = await admin.beta.sessions.create({
    agent: named,
    environment_id: environment.id,
    budget: { type: 'limit', max_list_cost: { amount: '100', currency: 'USD' } },
  })
  // Refused: a viewer starts nothing.
  await house
    .client({ apiKey: viewerKey })
    .beta.sessions.events.send(denied.id, { events: [{ type: 'user.interrupt' }] })
    .catch(() => undefined)
  await admin.beta.sessions.archive(denied.id)

  const direct = new Anthropic({
    baseURL: house.simulator.url,
    apiKey: house.simulator.apiKey,
    maxRetries: 0,
  })
  const dark = await direct.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  await admin.beta.sessions.retrieve(dark.id)

  Object.assign(story, {
    agent: agent.id,
    environment: environment.id,
    vault: vault.id,
    denied: denied.id,
    approved: approved.id,
    budgeted: budgeted.id,
    dark: dark.id,
  })
  await until(
    async () => {
      await house.writer.flush()
      return house.ledger.query("SELECT 1 FROM tollgate.exchanges WHERE operation = 'sessions.retrieve'")
    },
    (rows) => rows.length > 0,
  )
})
afterAll(() => house.destroy())

async function ask(name: string, query: Readonly<Record<string, string>> = {}) {
  const answer = await house.admin(`/api/v1/audit/ask/${name}?${new URLSearchParams(query)}`)
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(text)
  return answerSchema.parse(JSON.parse(text)).rows
}

async function run(args: string, key = house.key): Promise<{ readonly code: number; readonly out: string }> {
  const printed: string[] = []
  const keep = (text: string) => void printed.push(text)
  const env = { TOLLGATE_KEY: key, TOLLGATE_ADMIN_URL: house.adminUrl }
  const io = { out: keep, err: keep, readFile: () => '', env, untilStopped: async () => {} }
  return { code: await runTollgate(args.split(' '), io), out: printed.join('') }
}

describe('a session', () => {
  test('who-started names the person, the key and the rule', async () => {
    expect(await ask('who-started', { session: story.approved })).toMatchObject([
      { caller: 'dev-ana', team: 'platform', decision: 'allowed', client_ip: '127.0.0.1' },
    ])
    expect(await ask('who-started', { session: story.dark })).toEqual([])
  })

  test('what-ran says which version ran and whether it was asked for', async () => {
    expect(await ask('what-ran', { session: story.denied })).toMatchObject([
      {
        agent_id: story.agent,
        agent_version: 1,
        version_requested: 'latest',
        left_open: 'unpinned',
        model: 'claude-sonnet-5-5',
        environment_id: story.environment,
      },
    ])
  })

  test('session-tools holds what was enabled beside what was used', async () => {
    const rows = await ask('session-tools', { session: story.denied })
    expect(rows.filter(({ what }) => what === 'used')).toEqual([
      { what: 'used', tool: 'bash', times: 1, asked: 1, denied: 1, errors: 1, without_result: 0 },
    ])
    expect(rows.filter(({ what }) => what === 'enabled').map(({ tool }) => tool)).toContain(
      'bash:always_allow',
    )
  })

  test('session-vaults says who handed it over and when its credential was last changed', async () => {
    expect(await ask('session-vaults', { session: story.denied })).toMatchObject([
      { vault_id: story.vault, handed_by: 'first-admin', credential_changed_by: 'first-admin' },
    ])
  })

  test('session-mounts names the repository, and that it floats', async () => {
    const rows = await ask('session-mounts', { session: story.denied })
    expect(rows.map(({ capability, object }) => `${capability} ${object}`)).toEqual([
      'repo.float repo/https://github.com/acme/shop',
      'repo.mount repo/https://github.com/acme/shop@default',
    ])
  })

  test('incident tells the first error, denial, refusal and the end, in order', async () => {
    const rows = await ask('incident', { session: story.denied })
    const steps = rows.map(({ step }) => step)
    expect(steps[0]).toBe('created')
    for (const step of [
      'first error',
      'first denial of a tool',
      'first refusal by the gateway',
      'archived or deleted',
    ])
      expect(steps).toContain(step)
    expect(steps.indexOf('archived or deleted')).toBeGreaterThan(steps.indexOf('first denial of a tool'))
  })
})

describe('people and rules', () => {
  test('tool-approvals names who answered, and whether it was another than who started the session', async () => {
    const [mine] = await ask('tool-approvals', { session: story.denied })
    expect(mine).toMatchObject({ answer: 'deny', answered_by: 'first-admin', is_another_person: 'no' })
    const [theirs] = await ask('tool-approvals', { session: story.approved })
    expect(theirs).toMatchObject({ answer: 'allow', started_by: 'dev-ana', is_another_person: 'yes' })
    expect(Number(theirs?.['waited_ms'])).toBeGreaterThanOrEqual(0)
  })

  test('tool-denials has the denied use alone', async () => {
    expect(await ask('tool-denials')).toMatchObject([
      {
        session_id: story.denied,
        tool: 'bash',
        denied_by: 'a person',
        caller: 'first-admin',
        tried_again: 0,
      },
    ])
  })

  test('unapproved-uses has no line where every confirmation came first', async () => {
    expect(await ask('unapproved-uses')).toEqual([])
  })

  test('policy-at tells the change that was in force', async () => {
    const [latest] = await ask('policy-at')
    expect(latest).toMatchObject({ files: 'directory.yaml' })
    expect(await ask('policy-at', { at: '2020-01-01' })).toEqual([])
  })

  test('decisions has the refusal with its code', async () => {
    const rows = await ask('decisions', { caller: 'view-bo' })
    expect(rows).toMatchObject([{ operation: 'sessions.events.send', decision: 'denied' }])
  })

  test('access lists everybody who has a key, and what they did with it', async () => {
    const rows = await ask('access', { agent: story.agent })
    expect(rows).toMatchObject([
      { caller: 'dev-ana', team: 'platform', roles: 'developer', sessions: 1 },
      { caller: 'first-admin', team: 'platform', roles: 'admin' },
      { caller: 'view-bo', roles: 'viewer', last_used: '' },
    ])
  })

  test('keys says which are old and which were never used', async () => {
    const rows = await ask('keys', { days: '30' })
    const of = (caller: string) => rows.find((row) => row['caller'] === caller)
    expect(of('dev-ana')).toMatchObject({ is_old: true, is_unused: false, new_networks: '' })
    expect(of('first-admin')).toMatchObject({ is_old: false, is_unused: false })
  })

  test('overrides has what was let through, and every change of policy', async () => {
    const rows = await ask('overrides')
    expect(rows).toContainEqual(expect.objectContaining({ what: 'let through', about: story.denied }))
    expect(rows).toContainEqual(expect.objectContaining({ what: 'policy changed', about: 'directory.yaml' }))
  })

  test('duties finds who wrote and ran the same version', async () => {
    const rows = await ask('duties')
    expect(rows).toMatchObject([
      { agent_id: story.agent, author: 'first-admin', runner: 'first-admin', same_person: 'wrote and ran' },
    ])
  })
})

describe('a period', () => {
  test('unpinned has what floats and what ran with an open network', async () => {
    const rows = await ask('unpinned')
    const of = (id: string) => rows.find((row) => row['session_id'] === id)
    expect(of(story.denied)).toMatchObject({ left_open: 'unpinned', is_network_open: true })
    expect(of(story.approved)).toMatchObject({ left_open: '', is_network_open: true })
  })

  test('budgets tells sessions with and without a limit', async () => {
    const rows = await ask('budgets')
    const of = (id: string) => rows.find((row) => row['session_id'] === id)
    expect(of(story.budgeted)).toMatchObject({ what: 'set' })
    expect(of(story.denied)).toMatchObject({ what: 'none' })
  })

  test('touched finds sessions by what they were handed', async () => {
    const rows = await ask('touched', { match: 'acme/SHOP' })
    expect(new Set(rows.map((row) => row['session_id']))).toEqual(new Set([story.denied]))
    expect(await ask('touched', { match: 'acme/bank' })).toEqual([])
  })

  test('dark-sessions has what was made elsewhere, and nothing else', async () => {
    expect(await ask('dark-sessions')).toMatchObject([{ session_id: story.dark, agent_id: story.agent }])
  })

  test('log-complete counts no gap and no double', async () => {
    const rows = await ask('log-complete')
    expect(rows).toMatchObject([{ first_entry: 0, missing: 0, doubled: 0 }])
  })

  test('deletions has the archived session and who archived it', async () => {
    expect(await ask('deletions')).toMatchObject([
      { caller: 'first-admin', operation: 'sessions.archive', session_id: story.denied },
    ])
  })

  test('team-tokens adds up to the report of usage', async () => {
    const rows = await ask('team-tokens', { team: 'platform' })
    const report = await house.usage('team')
    const line = report.lines.find(({ key }) => key === 'platform')
    const sum = rows.reduce((total, row) => total + Number(row['output_tokens']), 0)
    expect(sum).toBe(line?.output_tokens)
    expect(rows.map(({ model }) => model)).toEqual(['claude-sonnet-5-5'])
    expect(rows[0]?.['price']).toMatch(/^claude-sonnet-5-5@/)
  })
})

describe('asking', () => {
  test('there are 22 questions, each in one sentence, and the command lists them all', async () => {
    expect(askQuestions.length).toBe(22)
    const { code, out } = await run('audit ask --list')
    expect(code).toBe(0)
    for (const { name, question } of askQuestions) {
      expect(question).toMatch(/^[A-Z].+\?$/)
      expect(out).toContain(`${name}\n  ${question}`)
    }
  })

  test('every question answers with nothing but what it needs, as JSON, CSV and a table', async () => {
    const needed = { session: story.denied, team: 'platform', match: 'acme', agent: story.agent }
    for (const { name, needs } of askQuestions) {
      const given = Object.entries(needed).filter(([key]) => needs.some((need) => need === key))
      const rows = await ask(name, Object.fromEntries(given))
      const csv = await (
        await house.admin(`/api/v1/audit/ask/${name}?${new URLSearchParams([...given, ['format', 'csv']])}`)
      ).text()
      expect(parseCsv(csv, { columns: true, bom: true })).toHaveLength(rows.length)
      const options = given.map(([key, value]) => ` --${key} ${value}`).join('')
      expect((await run(`audit ask ${name}${options}`)).code).toBe(0)
    }
  })

  test.each([
    ['who-started', 'needs `session`'],
    ['who-started?session=a&team=b', '`team` is not a parameter'],
    ['keys?days=0', '`days` is no number of days'],
    ['unpinned?from=2026-02-01&to=2026-01-01', '`from` must be before `to`'],
    ['everything', 'there is no question `everything`; there are access, budgets'],
  ])('%s is refused with what is wrong', async (path, says) => {
    const answer = await house.admin(`/api/v1/audit/ask/${path}`)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(await answer.text()).toContain(says)
  })

  test('a quote in a value is a value', async () => {
    expect(await ask('touched', { match: "' OR 1=1 --" })).toEqual([])
  })

  test('who may not read the audit log may not ask', async () => {
    const answer = await house.admin('/api/v1/audit/ask/access', viewerKey)
    expect(answer.status).toBe(403)
    expect((await run('audit ask access', viewerKey)).code).toBe(3)
  })
})
