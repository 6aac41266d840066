// A webhook makes the look come sooner, and only one that the upstream signed is listened to.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createManualClock } from '../../src/simulator/simulator.ts'
import { signatureHeaders } from '../../src/simulator/webhooks/signature.ts'
import { loadVerifyWebhook } from '../../src/watch/webhook.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const clock = createManualClock(Date.now())

let house: TestHouse
beforeAll(async () => {
  house = await openTestHouse({
    simulator: { clock },
    // Listing would find it too, but not within this test.
    env: { TOLLGATE_WATCH: 'on', TOLLGATE_WATCH_SWEEP_MS: '3600000', ANTHROPIC_WEBHOOK_SIGNING_KEY: secret },
  })
  house.simulator.webhooks.add({ url: `${house.adminUrl}/webhooks/anthropic`, secret, duplicates: 1 })
})
afterAll(() => house.destroy())

const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${house.adminUrl}/webhooks/anthropic`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })

test('a session made and run beside the gateway is in the ledger as soon as a webhook names it', async () => {
  const direct = new Anthropic({
    baseURL: house.simulator.url,
    apiKey: house.simulator.apiKey,
    maxRetries: 0,
  })
  await until(
    () => house.simulator.requests().length,
    (requests) => requests >= 2,
  )
  const environment = await direct.beta.environments.create({ name: 'elsewhere' })
  const agent = await direct.beta.agents.create({ name: 'elsewhere', model: 'claude-haiku-4-5' })
  const { id } = await direct.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  const content = [{ type: 'text' as const, text: 'go' }]
  await direct.beta.sessions.events.send(id, { events: [{ type: 'user.message', content }] })
  clock.advance(60 * 60_000)
  const line = await until(
    async () => (await house.usage('session')).lines.find(({ key }) => key === id),
    (found) => found !== undefined && found.running_ms > 0 && found.model_requests > 0,
  )
  expect(line?.running_ms).toBe(
    house.simulator.bill().sessions.find((each) => each.session_id === id)?.running_ms,
  )
})

test('a webhook without a signature, with another key, of another time or with another body is refused', async () => {
  const body = JSON.stringify({
    type: 'event',
    id: 'whe_1',
    data: { type: 'session.status_idled', id: 'sesn_x' },
  })
  const answers = [
    await post(body),
    await post(body, { 'webhook-id': 'whe_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' }),
    await post(body, {
      'webhook-id': 'whe_1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
    }),
    await post('', {}),
    await post('x'.repeat(70_000)),
  ]
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 400])
  expect(await answers[0]?.text()).not.toContain('whsec_')
  expect(house.simulator.requests().some(({ path }) => path.includes('sesn_x'))).toBe(false)
})

test('the check is the SDK’s: only its key, its body and its time pass', async () => {
  const verify = await loadVerifyWebhook()
  const nowMs = Date.now()
  const headers = signatureHeaders(secret, 'whe_1', nowMs, '{"a":1}')
  expect(verify('{"a":1}', headers, secret)).toEqual({ a: 1 })
  const another = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  expect(() => verify('{"a":2}', headers, secret)).toThrow()
  expect(() => verify('{"a":1}', headers, another)).toThrow()
  const old = signatureHeaders(secret, 'whe_1', nowMs - 10 * 60_000, '{"a":1}')
  expect(() => verify('{"a":1}', old, secret)).toThrow()
})

test('without a signing key there is no such address', async () => {
  const closed = await openTestHouse({ env: { TOLLGATE_WATCH: 'on' } })
  try {
    const answer = await fetch(`${closed.adminUrl}/webhooks/anthropic`, { method: 'POST', body: '{}' })
    expect(answer.status).toBe(401)
  } finally {
    await closed.destroy()
  }
})

test('a key that is none is told before anything starts, and never repeated', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-webhook-'))
  try {
    const file = join(folder, 'key')
    writeFileSync(file, 'whsec_no-such-key')
    const result = parseConfig({ TOLLGATE_WEBHOOK_KEY_FILE: file }, () => 'whsec_no-such-key')
    expect(result).toMatchObject({ ok: false })
    expect(JSON.stringify(result)).toContain('TOLLGATE_WEBHOOK_KEY_FILE: is not a signing key of a webhook')
    expect(JSON.stringify(result)).not.toContain('no-such-key')
    const off = parseConfig({ TOLLGATE_WATCH: 'off', ANTHROPIC_WEBHOOK_SIGNING_KEY: secret }, () => '')
    expect(off.ok && off.warnings.join()).toContain('webhooks are not received')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
