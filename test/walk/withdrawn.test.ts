// A caller that may no longer be here: what it had open ends, and the audit says why.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

let house: TestHouse

beforeAll(async () => {
  house = await openTestHouse()
})
afterAll(() => house.destroy())

/** Writes `revoked: now` under the key, as an operator would. */
function revoke(key: string): void {
  const path = join(house.policiesDir, 'directory.yaml')
  const id = key.slice('tg_live_'.length, 'tg_live_'.length + 12)
  const text = readFileSync(path, 'utf8')
  const line = new RegExp(`^( *)(- )?id: ${id}$`, 'm')
  expect(text).toMatch(line)
  writeFileSync(
    path,
    text.replace(
      line,
      (whole, indent: string, dash = '') =>
        `${whole}\n${indent}${dash === '' ? '' : '  '}revoked: 2026-01-02`,
    ),
  )
}

test('a revoked key stops working on a running gateway, and its open streams are cut, others go on', async () => {
  const leaving = addCaller(house, 'leaving', 'platform', 'admin')
  await house.refreshPolicies()
  const client = house.client({ apiKey: leaving })
  const environment = await client.beta.environments.create({ name: 'e' })
  const agent = await client.beta.agents.create({ name: 'a', model: 'claude-sonnet-5-5' })
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const cut = await client.beta.sessions.events.stream(session.id)
  const kept = await house.client().beta.sessions.events.stream(session.id)
  const ended = (async () => {
    for await (const _event of cut);
  })().then(
    () => 'ended',
    () => 'cut',
  )
  await until(house.simulator.openStreams, (open) => open === 2)

  revoke(leaving)
  await house.refreshPolicies()
  expect(await ended).toBe('cut')
  await until(house.simulator.openStreams, (open) => open === 1)
  await expect(client.beta.agents.list()).rejects.toMatchObject({ status: 401 })
  expect((await house.client().beta.sessions.retrieve(session.id)).id).toBe(session.id)
  kept.controller.abort()

  await house.writer.flush()
  const rows = await house.ledger.query<{ end_reason: string; error_code: string; decision: string }>(
    "SELECT end_reason, error_code, decision FROM tollgate.exchanges FINAL WHERE operation = 'sessions.events.stream' AND caller = 'leaving'",
  )
  expect(rows).toEqual([
    { end_reason: 'caller_withdrawn', error_code: 'identify.credential_revoked', decision: 'allowed' },
  ])
})
