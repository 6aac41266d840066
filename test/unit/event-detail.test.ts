// What is kept of an event is never what was said in it.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { detailedTypes, detailOf } from '../../src/upstream/event-detail.ts'
import { eventDetailSchema } from '../../src/upstream/event-detail-schema.ts'
import { createInputHash } from '../../src/upstream/input-hash.ts'

const declared = (() => {
  const path = 'node_modules/@anthropic-ai/sdk/resources/beta/sessions/'
  const text = readFileSync(`${path}events.d.ts`, 'utf8') + readFileSync(`${path}sessions.d.ts`, 'utf8')
  const union = /type BetaManagedAgentsStreamSessionEvents = ([^;]+);/.exec(text)?.[1] ?? ''
  return union
    .split('|')
    .map((name) => name.trim().replace('SessionsAPI.', ''))
    .map(
      (name) =>
        new RegExp(`interface ${name} \\{[\\s\\S]*?\\n    type: '([^']+)'`).exec(text)?.[1] ?? `no ${name}`,
    )
    .filter((type) => !['event_start', 'event_delta'].includes(type))
})()

/** Every field of every type, each text of it a marker; ids and codes too, for they may be anything but sentences. */
const secret = 'SECRET of the caller'
const blocks = [
  { type: 'text', text: secret },
  { type: secret, text: secret },
  {
    type: 'document',
    title: secret,
    context: secret,
    source: { type: 'text', data: secret, media_type: secret },
  },
  { type: 'image', source: { type: 'url', url: `https://x/?q=${secret}` } },
  { type: 'search_result', source: secret, title: secret, content: [{ type: 'text', text: secret }] },
]
const error = {
  type: secret,
  message: secret,
  retry_status: { type: secret },
  repository_url: `https://x/${secret}`,
  vault_id: secret,
  credential_id: secret,
  mcp_server_name: 'jira',
}
const texts = [
  'description explanation deny_message title result tool_use_id custom_tool_use_id mcp_tool_use_id',
  'session_thread_id from_session_thread_id to_session_thread_id outcome_id workflow_run_id phase_started_id',
  'workflow_run_phase_id model_request_start_id outcome_evaluation_start_id evaluated_permission',
]
const everything = {
  id: 'sevt_1',
  ...Object.fromEntries(texts.flatMap((line) => line.split(' ')).map((name) => [name, secret])),
  [secret]: secret,
  name: 'grep',
  agent_name: 'helper',
  mcp_server_name: 'jira',
  content: blocks,
  input: { [secret]: secret },
  rubric: { type: secret, content: secret },
  evaluation: { type: secret, evaluated_permission: { type: secret, reason_code: secret } },
  stop_reason: { type: secret, event_ids: [secret, 'sevt_2'] },
  stop_details: { type: 'refusal', category: secret, explanation: secret },
  metadata: { [secret]: secret },
  agent: {
    id: secret,
    name: 'helper',
    description: secret,
    system: secret,
    version: 3,
    model: { id: secret },
  },
  budget: { type: 'limit', max_list_cost: { amount: secret, currency: secret } },
  usage: { list_cost: { amount: secret, currency: secret }, active_seconds: secret },
  model_usage: { input_tokens: secret, speed: secret },
  phases: [{ id: secret, name: secret, description: secret }],
  error,
}

test('every event type of the SDK has a case, and no case is of another', () => {
  expect([...detailedTypes].toSorted()).toEqual(declared.toSorted())
})

test.each([...declared, 'session.something_new'])('no text of a %s passes', (type) => {
  const hash = createInputHash(Buffer.alloc(32, 1))
  for (const result of [secret, { type: secret, error }]) {
    // A workflow run's name is the agent's own words.
    const name = type.startsWith('workflow_run.') ? secret : 'grep'
    const detail = detailOf({ ...everything, type, name, result }, hash)
    expect(JSON.stringify(detail)).not.toMatch(/SECRET/)
    expect(eventDetailSchema.parse(detail)).toEqual(detail)
    for (const value of Object.values(detail)) expect(['string', 'number', 'boolean']).toContain(typeof value)
  }
})

test('a use of a tool is kept by name, permission, size and hash; the hash tells equal inputs and needs the key', () => {
  const use = (input: unknown) => ({
    id: 'sevt_1',
    type: 'agent.mcp_tool_use',
    name: 'search'.padEnd(500, '!'),
    mcp_server_name: 'jira',
    evaluation: { type: 'auto', evaluated_permission: { type: 'ask', reason_code: 'writes_files' } },
    input,
  })
  const hash = createInputHash(Buffer.alloc(32, 1))
  const detail = detailOf(use({ a: 1, b: 'é' }), hash)
  expect(detail).toEqual({
    tool_name: 'search'.padEnd(128, '!'),
    mcp_server_name: 'jira',
    permission: 'ask',
    permission_policy: 'auto',
    permission_reason: 'writes_files',
    input_bytes: 16,
    input_hash: expect.stringMatching(/^[0-9a-f]{32}$/),
  })
  expect(detailOf(use({ b: 'é', a: 1 }), hash).input_hash).toBe(detail.input_hash)
  expect(detailOf(use({ a: 2, b: 'é' }), hash).input_hash).not.toBe(detail.input_hash)
  expect(detailOf(use({ a: 1, b: 'é' }), createInputHash(Buffer.alloc(32, 2))).input_hash).not.toBe(
    detail.input_hash,
  )
})

test('content is counted by block, kind and byte; what is no event at all gives nothing', () => {
  expect(
    detailOf({ type: 'user.message', content: [{ type: 'text', text: 'é!' }, { type: 'image' }] }),
  ).toEqual({
    content_blocks: 2,
    content_bytes: 3,
    content_kinds: 'image:1,text:1',
  })
  for (const raw of [null, 3, 'x', []]) expect(detailOf(raw)).toEqual({})
})
