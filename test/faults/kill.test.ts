// Kill -9 at any moment: nothing accepted is lost, nothing is counted twice, and the books still equal the upstream's bill.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { expect, test } from 'vitest'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { openJournal } from '../../src/kernel/segment-journal.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { type GatewayProcess, gatewayEnv, startGatewayProcess } from '../support/gateway-process.ts'
import { openHouseOn } from '../support/house.ts'

const kills = 20

test('kill -9 twenty times at random moments: what was accepted is in the ledger, once', {
  timeout: 300_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-kill-'))
  const simulator = await startSimulator()
  const env = gatewayEnv(folder, {
    TOLLGATE_UPSTREAM_URL: simulator.url,
    ANTHROPIC_API_KEY: simulator.apiKey,
    TOLLGATE_LOG_LEVEL: 'fatal',
  })
  const accepted = new Set<string>()
  const sessions = new Set<string>()
  let key = ''
  for (let round = 0; round < kills; round += 1) {
    const gateway = await startGatewayProcess(env)
    if (gateway.key !== '') key = gateway.key
    const stopped = new AbortController()
    const load = Promise.all([1, 2, 3].map(() => drive(gateway, key, sessions, stopped.signal)))
    // Anywhere from the first request to well into the stream of events.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 600))
    await gateway.end('SIGKILL')
    stopped.abort()
    await load
    for (const record of await readJournal(join(folder, 'data', 'journal')))
      for (const one of keysOf(record)) accepted.add(one)
  }

  const house = await openHouseOn(folder, env)
  await house.writer.flush()
  const status = house.writer.status()
  expect(status).toMatchObject({ healthy: true, quarantined: 0 })
  const kept = await house.ledger.query<{ key: string; copies: string }>(keptKeys)
  const keys = new Map(kept.map((row) => [row.key, Number(row.copies)]))
  expect(accepted.size).toBeGreaterThan(kills)
  expect([...accepted].filter((one) => !keys.has(one))).toEqual([])
  expect([...keys].filter(([, copies]) => copies !== 1)).toEqual([])

  // The client reads history through the gateway again: everything is seen once more, and what a kill cut off is completed.
  const client = new Anthropic({ baseURL: house.gatewayUrl, apiKey: key })
  for (const id of sessions) {
    for await (const _event of client.beta.sessions.events.list(id, { limit: 100 }));
    await client.beta.sessions.retrieve(id)
  }
  const report = await house.usage('session')
  const bill = simulator.bill()
  expect(report.total.cost_usd).toBe(bill.total_cost_usd)
  expect(report.total.running_ms).toBe(bill.sessions.reduce((sum, session) => sum + session.running_ms, 0))
  await house.close()
  await simulator.close()
  rmSync(folder, { recursive: true, force: true })
})

// Runs sessions one after the other until told to stop or cut off.
async function drive(
  gateway: GatewayProcess,
  key: string,
  sessions: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const client = new Anthropic({ baseURL: gateway.gatewayUrl, apiKey: key, maxRetries: 0 })
  try {
    const environment = await client.beta.environments.create({ name: 'load' })
    const agent = await client.beta.agents.create({ name: 'load', model: 'claude-haiku-4-5' })
    while (!signal.aborted) {
      const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
      sessions.add(session.id)
      const stream = await client.beta.sessions.events.stream(session.id)
      await client.beta.sessions.events.send(session.id, {
        events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
      })
      for await (const event of stream) if (event.type === 'session.status_idle') break
    }
  } catch {
    // The gateway was killed under our hands: that is the test.
  }
}

/** Everything durable in the journal of a dead gateway, read from a copy. */
async function readJournal(dir: string): Promise<readonly JournalRecord[]> {
  const copy = mkdtempSync(join(tmpdir(), 'tollgate-journal-'))
  cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  const journal = await openJournal({ dir: copy, report: () => {} })
  const { records } = await journal.read(1_000_000)
  await journal.close()
  rmSync(copy, { recursive: true, force: true })
  return records
}

// Events that are rows under their own id; the others are snapshots, or say nothing that is kept.
const rowTypes = /^(span\.model_request_end|session\.(thread_)?status_)/

function keysOf(record: JournalRecord): readonly string[] {
  if (record.kind === 'exchange') return [`exchange ${String(record['exchange_id'])}`]
  if (record['about'] === 'creation') {
    return [`object ${String(record['object_kind'])} ${String(record['object_id'])}`]
  }
  const isRow =
    record['about'] === 'event' && record['processed_at'] !== null && rowTypes.test(String(record['type']))
  return isRow
    ? [`event ${String(record['session_id'])} ${String(record['event_id'])}`]
    : [`session ${String(record['session_id'])}`]
}

const keptKeys = `
  SELECT key, toUInt64(max(copies)) AS copies FROM (
    SELECT concat('exchange ', exchange_id) AS key, count() AS copies FROM tollgate.exchanges FINAL GROUP BY key
    UNION ALL
    SELECT concat('object ', object_kind, ' ', object_id) AS key, count() AS copies FROM tollgate.object_owners FINAL GROUP BY key
    UNION ALL
    SELECT concat('object agent_version ', agent_id, '@', toString(version)) AS key, count() AS copies FROM tollgate.agent_versions FINAL GROUP BY key
    UNION ALL
    SELECT concat('session ', session_id) AS key, toUInt64(1) AS copies FROM tollgate.session_status FINAL GROUP BY key
    UNION ALL
    SELECT concat('event ', session_id, ' ', event_id) AS key, count() AS copies FROM tollgate.usage_events FINAL GROUP BY key
    UNION ALL
    SELECT concat('event ', session_id, ' ', event_id) AS key, count() AS copies FROM tollgate.session_status FINAL GROUP BY key
    UNION ALL
    SELECT concat('session ', session_id) AS key, count() AS copies FROM tollgate.sessions FINAL GROUP BY key
  ) GROUP BY key`
