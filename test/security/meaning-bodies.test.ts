// Bodies that two readers could take for two requests, through the whole way in: refused, or one request to everybody.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lookalikeOf } from '../../src/upstream/lookalike.ts'
import { type InjectedCorridor, openInjectedCorridor } from '../support/injected-corridor.ts'

let corridor: InjectedCorridor
beforeAll(async () => {
  corridor = await openInjectedCorridor({
    policy: ['p, role:x, *, *, *, allow', 'p, role:x, *, agent.use, agent/denied, deny'].join('\n'),
  })
})
afterAll(() => corridor.close())

const create = (body: string | Buffer, headers: { readonly [name: string]: string } = {}) =>
  corridor.ask({ path: '/v1/sessions', body, headers })
const withAgent = (agent: string) => `{"agent":${agent},"environment_id":"env_1"}`

test('this caller may run any agent but one', async () => {
  expect((await create(withAgent('"agent_1"'))).status).toBe(200)
  expect((await create(withAgent('"denied"'))).code).toBe('authorize.denied')
})

test.each([
  ['the second of two', '{"agent":"agent_1","agent":"denied","environment_id":"env_1"}'],
  ['an escaped second', '{"agent":"agent_1","\\u0061gent":"denied","environment_id":"env_1"}'],
  ['an escaped second, in capitals', '{"agent":"agent_1","\\u0061\\u0067\\u0065\\u006E\\u0074":"denied"}'],
  ['a recased second', '{"agent":"agent_1","Agent":"denied","environment_id":"env_1"}'],
  ['a second in other characters', '{"agent":"agent_1","ａｇｅｎｔ":"denied","environment_id":"env_1"}'],
  ['a second cut by NUL', '{"agent":"agent_1","agent\\u0000x":"denied","environment_id":"env_1"}'],
  ['an id said twice', withAgent('{"type":"agent","id":"agent_1","id":"denied"}')],
  ['an id said twice, recased', withAgent('{"type":"agent","id":"agent_1","ID":"denied"}')],
  ['a type said twice', withAgent('{"type":"agent","type":"agent_with_overrides","id":"agent_1"}')],
  ['a comment that ends early', '{"agent":"agent_1"/*,"x":"*/,"agent":"denied"/*"*/}'],
  ['a second document', '{"agent":"agent_1","environment_id":"env_1"}{"agent":"denied"}'],
  ['NUL after the end', '{"agent":"agent_1","environment_id":"env_1"}\u0000{"agent":"denied"}'],
  ['an array around it', '[{"agent":"denied","environment_id":"env_1"}]'],
  ['a number that is no JSON', withAgent('{"type":"agent","id":"agent_1","version":NaN}')],
])('%s: refused, and nothing goes up', async (_name, body) => {
  const { status, sent } = await create(body)
  expect([status >= 400 && status < 500, sent]).toEqual([true, null])
})

test.each<[string, Buffer]>([
  ['a byte order mark', Buffer.from('\ufeff{"agent":"agent_1","environment_id":"env_1"}')],
  ['UTF-16', Buffer.from('{"agent":"agent_1","environment_id":"env_1"}', 'utf16le')],
  ['UTF-16 with its mark', Buffer.from('\ufeff{"agent":"agent_1"}', 'utf16le')],
  ['UTF-32', Buffer.from([...'{"agent":"a"}'].flatMap((mark) => [0, 0, 0, mark.charCodeAt(0)]))],
  [
    'an overlong quote',
    Buffer.concat([Buffer.from('{"agent":"agent_1'), Buffer.of(0xc0, 0xa2), Buffer.from('"}')]),
  ],
  [
    'half a pair in CESU-8',
    Buffer.concat([Buffer.from('{"agent":"a'), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')]),
  ],
  ['latin1', Buffer.from('{"agent":"agent_1","title":"\u00e9"}', 'latin1')],
])('a body in %s is refused', async (_name, body) => {
  const { sent, code } = await create(body)
  expect([sent, code.startsWith('body.')]).toEqual([null, true])
})

test.each([
  '"3"',
  '[3]',
  'true',
  'false',
  '{}',
  '{"$numberInt":"3"}',
  '0',
  '-0',
  '-1',
  '0.5',
  '3.5',
  '1e400',
  '-1e400',
  '12345678901234567890',
  '9007199254740993',
  '1e-400',
  '""',
  '" 3"',
  '"latest"',
  '"0x3"',
])('a version written as %s is no version: refused', async (version) => {
  const { code, sent } = await create(withAgent(`{"type":"agent","id":"agent_1","version":${version}}`))
  expect([code, sent]).toEqual(['body.shape', null])
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
  'a member called `%s` gives an object nothing, wherever it stands',
  async (name) => {
    const hidden = `"${name}":{"agent":"denied","type":"agent","id":"denied","version":1}`
    // As the only place where something is said, it says nothing.
    expect(
      (await create(`{${hidden},"environment_id":"env_1"}`)).sent?.permit.capabilities,
    ).not.toContainEqual(expect.objectContaining({ action: 'agent.use' }))
    expect((await create(withAgent(`{${hidden}}`))).sent).toBeNull()
    const beside = await create(withAgent(`{"type":"agent","id":"agent_1",${hidden}}`))
    expect(beside.sent?.permit.capabilities ?? []).toContainEqual({
      action: 'agent.use',
      object: 'agent/agent_1',
    })
    // As an id, a type or a key of metadata it is a word like another.
    expect((await create(withAgent(`"${name}"`))).status).toBe(200)
    expect(
      (await create(withAgent(`{"type":"${name}","id":"agent_1"}`))).sent?.permit.capabilities,
    ).toContainEqual(expect.objectContaining({ action: 'unknown.use' }))
    const stamped = await create(`{"agent":"agent_1","environment_id":"env_1","metadata":{"${name}":"x"}}`)
    const metadata: unknown = JSON.parse(stamped.sent?.permit.body?.toString() ?? '{}').metadata
    expect(Object.entries(Object(metadata)).slice(0, 2)).toEqual([
      [name, 'x'],
      ['tollgate_owner', 'beta/ci'],
    ])
    expect(Object.hasOwn(Object.prototype, 'agent')).toBe(false)
  },
)

test('half a surrogate pair stands for no id, type or model', async () => {
  for (const body of [
    withAgent('"agent_1\\ud800"'),
    withAgent('{"type":"agent\\udc00","id":"agent_1"}'),
    withAgent('{"type":"agent_with_overrides","id":"agent_1","version":1,"model":"m\\ud800"}'),
  ]) {
    expect((await create(body)).code).toBe('body.shape')
  }
})

test('nesting is bounded where it is allowed to be read at all', async () => {
  const nested = (depth: number) =>
    `{"agent":"agent_1","environment_id":"env_1","x":${'['.repeat(depth)}${']'.repeat(depth)}}`
  expect((await create(nested(63))).status).toBe(200)
  expect((await create(nested(64))).code).toBe('body.ambiguous')
  expect((await create(nested(1_000_000))).code).toBe('body.ambiguous')
})

test('a hundred thousand members are read once each, and none of them hides another', async () => {
  const many = Array.from({ length: 100_000 }, (_, at) => `"k${at}":${at}`).join()
  const { sent } = await create(`{${many},"agent":"agent_1","environment_id":"env_1"}`)
  expect(sent?.permit.capabilities).toContainEqual({ action: 'agent.use', object: 'agent/agent_1' })
  expect((await create(`{${many},"agent":"agent_1","k99999":1}`)).code).toBe('body.ambiguous')
  expect((await create(`{"AGENT":"denied",${many},"agent":"agent_1"}`)).code).toBe('body.shape')
  expect((await create(`{${many},"agent":"agent_1","AGENT":"denied"}`)).code).toBe('body.shape')
  expect((await create(withAgent(`{"type":"agent_with_overrides","id":"agent_1",${many}}`))).code).toBe(
    'body.shape',
  )
})

test('a key that would grow eighteenfold when it is compared is not built', () => {
  // In its compatibility form U+FDFA is eighteen characters: four million of them would be more than a string can hold.
  const key = '\ufdfa'.repeat(30_000_000)
  expect(lookalikeOf({ [key]: 1, Agent: 1 }, new Set(['agent']))).toBe('Agent')
})

test('names that could be read as `metadata` or as a key of ours are refused, whatever surrounds them', async () => {
  const body = (metadata: string) => `{"agent":"agent_1","environment_id":"env_1",${metadata}}`
  for (const metadata of [
    '"metadata":{"tollgate_owner":"alpha/maker"}',
    '"metadata":{"TOLLGATE_OWNER":"alpha/maker"}',
    '"metadata":{"Tollgate_Owner":"alpha/maker"}',
    '"metadata":{" tollgate_owner":"alpha/maker"}',
    '"metadata":{"\\u3000\\u00a0\\ttollgate_owner ":"alpha/maker"}',
    `"metadata":{"${' '.repeat(1_000)}tollgate_owner":"alpha/maker"}`,
    `"metadata":{"tollgate_owner${' '.repeat(1_000)}":"alpha/maker"}`,
    '"metadata":{"ｔｏｌｌｇａｔｅ＿ｏｗｎｅｒ":"alpha/maker"}',
    '"metadata":{"t\\u006fllgate_exchange":"req_1"}',
    '"metadata":{"tollgate_":"x"}',
    '"metadata":{"tollgate_owner":null}',
    '"metadata":{"tollgate_owner":""}',
    '"Metadata":{"tollgate_owner":"alpha/maker"}',
    '"metadata ":{"tollgate_owner":"alpha/maker"}',
    '"ｍetadata":{"tollgate_owner":"alpha/maker"}',
    '"metadata":{"a":"b"},"metadat\\u0061":{"tollgate_owner":"alpha/maker"}',
  ]) {
    const { status, sent } = await create(body(metadata))
    expect([metadata.slice(0, 60), status, sent]).toEqual([metadata.slice(0, 60), 400, null])
  }
})

test('only the caller’s own name stands where a reader of the upstream’s answer looks for an owner', async () => {
  // Letters of another script are another key to every reader.
  for (const key of ['tоllgate_owner', 'toll\u200bgate_owner', 'tollgate\u2010owner', 'xtollgate_owner']) {
    const text = JSON.stringify({
      agent: 'agent_1',
      environment_id: 'env_1',
      metadata: { [key]: 'alpha/maker' },
    })
    const { sent } = await create(text)
    expect(JSON.parse(sent?.permit.body?.toString() ?? '{}').metadata.tollgate_owner).toBe('beta/ci')
  }
})

test.each([
  '/v1/sessions/session_1',
  '/v1/agents/agent_1',
  '/v1/environments/environment_1',
  '/v1/vaults/vault_1',
  '/v1/memory_stores/memstore_1',
  '/v1/deployments/deployment_1',
  '/v1/user_profiles/profile_1',
])('an update at %s neither takes the name away nor writes one', async (path) => {
  for (const metadata of [
    'null',
    '{"tollgate_owner":null}',
    '{"tollgate_owner":""}',
    '{"TOLLGATE_owner":null}',
  ]) {
    const { code, sent } = await corridor.ask({ path, body: `{"metadata":${metadata}}` })
    expect([metadata, code, sent]).toEqual([metadata, 'ownership.key_reserved', null])
  }
  const { sent } = await corridor.ask({ path, body: '{"metadata":{"a":null}}' })
  expect(sent?.permit.body?.toString()).toBe('{"metadata":{"a":null}}')
})

test('with sixteen pairs and more there is no room for a name, and none is forged in its place', async () => {
  for (const count of [15, 16, 17, 1_000]) {
    const metadata = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))
    const { sent } = await create(JSON.stringify({ agent: 'agent_1', environment_id: 'env_1', metadata }))
    const sentUp: unknown = JSON.parse(sent?.permit.body?.toString() ?? '{}').metadata
    expect(Object.keys(Object(sentUp)).length).toBe(Math.max(16, count))
  }
})
