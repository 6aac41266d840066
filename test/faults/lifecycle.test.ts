// How the gateway begins and ends: a boot that refuses says why, and an end loses nothing.
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { type GatewayProcess, gatewayEnv, runCli, startGatewayProcess } from '../support/gateway-process.ts'
import { openHouseOn } from '../support/house.ts'
import { portOf } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const shippedPolicies = fileURLToPath(new URL('../../policies', import.meta.url))
let folder: string
let simulator: Simulator

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-life-'))
  simulator = await startSimulator()
})
afterEach(async () => {
  await simulator.close()
  rmSync(folder, { recursive: true, force: true })
})

const env = (more: { readonly [name: string]: string } = {}) =>
  gatewayEnv(folder, { TOLLGATE_UPSTREAM_URL: simulator.url, ANTHROPIC_API_KEY: simulator.apiKey, ...more })

async function openStream(gateway: GatewayProcess, key: string) {
  const client = new Anthropic({ baseURL: gateway.gatewayUrl, apiKey: key, maxRetries: 0 })
  const environment = await client.beta.environments.create({ name: 'life' })
  const agent = await client.beta.agents.create({ name: 'life', model: 'claude-sonnet-5-5' })
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const stream = await client.beta.sessions.events.stream(session.id)
  await client.beta.sessions.events.send(session.id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
  })
  return { stream, session }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends open streams, flushes the journal and exits with 0; the last row is there after a restart',
  async (signal) => {
    const gateway = await startGatewayProcess(env())
    const { stream, session } = await openStream(gateway, gateway.key)
    const types: string[] = []
    const reading = (async () => {
      for await (const event of stream) types.push(event.type)
    })()
    await until(
      () => types,
      (seen) => seen.includes('session.status_idle'),
    )
    const ended = await gateway.end(signal)
    await reading
    expect(ended).toEqual({ code: 0, signal: null })

    const house = await openHouseOn(folder, env())
    const rows = await house.ledger.query<{ operation: string; end_reason: string }>(
      'SELECT operation, end_reason FROM tollgate.exchanges FINAL ORDER BY started_at',
    )
    const report = await house.usage('session')
    await house.close()
    expect(rows.map((row) => row.operation)).toContain('sessions.events.send')
    // The stream was still open when the signal came: its exchange is the very last thing written.
    expect(rows.find((row) => row.operation === 'sessions.events.stream')?.end_reason).toBe('shutdown')
    expect(report.lines.map((line) => line.key)).toEqual([session.id])
    expect(report.total.cost_usd).toBe(simulator.bill().total_cost_usd)
  },
)

test.each([
  { name: 'an empty policy', file: 'policy.csv', text: '# nothing\n', says: /policy\.csv(:\d+)?: / },
  {
    name: 'a misspelled effect',
    file: 'policy.csv',
    text: 'p, role:viewer, *, agent.read, agent/*, alow\n',
    says: /policy\.csv:1: .*alow/,
  },
  {
    name: 'a broken model',
    file: 'model.conf',
    text: '[request_definition]\nr = sub\n',
    says: /model\.conf:\d+: /,
  },
  {
    name: 'a pin with an unknown mode',
    file: 'pins.yaml',
    text: 'approved: {}\nclasses:\n  odd:\n    explicit_version: maybe\n',
    says: /pins\.yaml:4: /,
  },
  {
    name: 'a directory that is no YAML',
    file: 'directory.yaml',
    text: 'teams: [\n',
    says: /directory\.yaml:\d+: /,
  },
])('$name stops the boot with file, line and reason, and exit code 1', async ({ file, text, says }) => {
  const policies = join(folder, 'policies')
  cpSync(shippedPolicies, policies, { recursive: true, filter: (path) => !path.endsWith('directory.yaml') })
  writeFileSync(join(policies, file), text)
  const { code, out } = await runCli(['start'], env())
  expect(out).toMatch(says)
  expect(out).not.toMatch(/\n\s+at .*\.ts:\d+/)
  expect(code).toBe(1)
})

test('a second gateway on the same data folder is refused, and says which folder', async () => {
  const first = await startGatewayProcess(env())
  const { code, out } = await runCli(['start'], env())
  expect(code).toBe(1)
  expect(out).toContain(join(folder, 'data'))
  expect((await fetch(`${first.gatewayUrl}/v1/agents`)).status).toBe(401)
  await first.end('SIGTERM')
})

test('the key is shown once and kept as a hash only', async () => {
  const first = await startGatewayProcess(env())
  expect(first.key).toMatch(/^tg_live_/)
  await first.end('SIGTERM')
  const second = await startGatewayProcess(env())
  expect(second.key).toBe('')
  const { gatewayUrl } = second
  expect(
    (
      await fetch(`${gatewayUrl}/v1/agents`, {
        headers: {
          'x-api-key': first.key,
          'anthropic-version': '2026-10-21',
          'anthropic-beta': 'managed-agents-2026-04-01',
        },
      })
    ).status,
  ).toBe(200)
  await second.end('SIGTERM')
  expect(readFileSync(join(folder, 'policies', 'directory.yaml'), 'utf8')).not.toContain(first.key.slice(21))
})

test('with ClickHouse away it serves and journals, says so in readiness, and the books are complete once it is there', async () => {
  const away = await startGatewayProcess(
    env({ TOLLGATE_CLICKHOUSE_URL: 'http://127.0.0.1:9', TOLLGATE_LOG_LEVEL: 'fatal' }),
  )
  const { stream, session } = await openStream(away, away.key)
  for await (const event of stream) if (event.type === 'session.status_idle') break
  const ready = await fetch(`${away.adminUrl}/ready`)
  expect(ready.status).toBe(503)
  expect(await ready.text()).toMatch(/ledger/)
  await away.end('SIGTERM')

  const house = await openHouseOn(folder, env())
  const report = await house.usage('session')
  await house.close()
  expect(report.lines.map((line) => line.key)).toEqual([session.id])
  expect(report.total.cost_usd).toBe(simulator.bill().total_cost_usd)
})

test('a start that fails leaves no key behind that nobody has seen', async () => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = `127.0.0.1:${portOf(taken)}`
  const failed = await runCli(['start'], env({ TOLLGATE_LISTEN: address }))
  taken.close()
  expect(failed.code).toBe(1)
  expect(failed.out).toContain(`\`${address}\` is in use: is another Tollgate running? set TOLLGATE_LISTEN`)
  const second = await startGatewayProcess(env())
  expect(second.key).toMatch(/^tg_live_/)
  await second.end('SIGTERM')
})

test('a lost pepper stops the start and says what to do', async () => {
  const first = await startGatewayProcess(env())
  await first.end('SIGTERM')
  rmSync(join(folder, 'data', 'pepper'))
  const { code, out } = await runCli(['start'], env())
  expect(code).toBe(1)
  expect(out).toMatch(/pepper` is missing.*restore it from a backup, or remove directory\.yaml/)
})

test('a full journal refuses what would change something and still answers reads', async () => {
  const limit = 1024 * 1024
  const gateway = await startGatewayProcess(
    env({
      TOLLGATE_CLICKHOUSE_URL: 'http://127.0.0.1:9',
      TOLLGATE_LOG_LEVEL: 'silent',
      TOLLGATE_JOURNAL_BACKLOG_LIMIT_BYTES: String(limit),
    }),
  )
  const headers = {
    'x-api-key': gateway.key,
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'managed-agents-2026-04-01',
    'content-type': 'application/json',
  }
  const create = () =>
    fetch(`${gateway.gatewayUrl}/v1/environments`, { method: 'POST', headers, body: '{"name":"x"}' })
  expect((await create()).status).toBe(200)
  // Nobody takes records out of the journal: every read leaves one more entry in it.
  let refused = await create()
  for (let round = 0; round < 60 && refused.status === 200; round += 1) {
    await Promise.all(
      Array.from({ length: 50 }, async () =>
        (await fetch(`${gateway.gatewayUrl}/v1/agents`, { headers })).text(),
      ),
    )
    refused = await create()
  }
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ error: { details: { error_code: 'journal.unavailable' } } })
  expect((await fetch(`${gateway.gatewayUrl}/v1/agents`, { headers })).status).toBe(200)
  await gateway.end('SIGTERM')
})
