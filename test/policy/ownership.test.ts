// The parts of ownership, each by itself: what it reads, whom it asks, what it writes into a body and cuts out of a text.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expandCapabilities } from '../../src/authorize/capabilities.ts'
import { createCheckOwnership } from '../../src/authorize/ownership/check-ownership.ts'
import { createMask, maskBody, maskPath, unmask } from '../../src/authorize/ownership/mask.ts'
import { createOwners, type OwnersDeps, type UpstreamAnswer } from '../../src/authorize/ownership/owners.ts'
import { createStamp } from '../../src/authorize/ownership/stamp.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { readJsonBody } from '../../src/upstream/body.ts'
import { cutElements, elementSpans } from '../../src/upstream/element-spans.ts'
import { memberSpans } from '../../src/upstream/member-spans.ts'
import { replaceStrings } from '../../src/upstream/string-tokens.ts'
import { operationOf } from '../support/asked-of.ts'
import { callerOf } from '../support/caller-of.ts'
import { deferred } from '../support/deferred.ts'

const json = { 'content-type': 'application/json' }
const spaces = fc.constantFrom(0, 1, 2, '\t')
const textOf = (value: unknown, space: string | number): string => JSON.stringify(value, null, space)

test('cutting elements leaves what a filter would, and every other byte', () => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()),
      fc.array(fc.boolean()),
      spaces,
      fc.string(),
      (data, keeps, space, note) => {
        const text = textOf({ note, data, next_page: null }, space)
        const array = memberSpans(text).get('data')
        if (array === undefined) throw new Error('no data')
        const elements = elementSpans(text, array)
        expect(elements.map(({ start, end }) => JSON.parse(text.slice(start, end)))).toEqual(
          JSON.parse(text).data,
        )
        const isKept = (at: number) => keeps[at] === true
        const cut = cutElements(text, array, elements, isKept)
        const kept = JSON.parse(text).data.filter((_: unknown, at: number) => isKept(at))
        expect(JSON.parse(cut)).toEqual({ note: JSON.parse(text).note, data: kept, next_page: null })
        expect(cut.startsWith(text.slice(0, array.start))).toBe(true)
        expect(cut.endsWith(text.slice(array.end))).toBe(true)
        if (kept.length === data.length) expect(cut).toBe(text)
      },
    ),
  )
})

test('replacing strings changes every value that reads so, however it is written, and nothing else', () => {
  expect(
    replaceStrings(
      '{"a":"id_1","id_1":"x","\\u0069d_1":2,"b":["\\u0069d_1", "id_12"," id_1"]}',
      new Map([['id_1', 'no']]),
    ),
  ).toBe('{"a":"no","id_1":"x","\\u0069d_1":2,"b":["no", "id_12"," id_1"]}')
  fc.assert(
    fc.property(fc.jsonValue(), spaces, (value, space) => {
      const text = textOf(value, space)
      expect(replaceStrings(text, new Map([['no such text in it', 'x']]))).toBe(text)
    }),
  )
})

test('a mask keeps the beginning of an id, hides it everywhere, and is taken back in the answer', () => {
  const masks = [createMask('session', 'sesn_011CAbCdEfGh1234567890')]
  const [mask] = masks
  if (mask === undefined) return
  expect(mask.substitute).toMatch(/^sesn_01/)
  expect(mask.substitute).toHaveLength(mask.id.length)
  expect(mask.substitute).not.toBe(mask.id)
  const path = `/v1/sessions/${mask.id}/events?scope_id=${mask.id}&x=sesn%5F011CAbCdEfGh1234567890&y=%20`
  expect(maskPath(path, masks)).toBe(
    `/v1/sessions/${mask.substitute}/events?scope_id=${mask.substitute}&x=${mask.substitute}&y=%20`,
  )
  const body = Buffer.from(`{"id":"${mask.id}","text":"caf\u00e9 ${mask.id}"}`)
  expect(maskBody(body, masks).toString()).toBe(`{"id":"${mask.substitute}","text":"caf\u00e9 ${mask.id}"}`)
  const answer = Buffer.from(`{"message":"session \`${mask.substitute}\` not found \ud83d\ude00"}`)
  expect(unmask(answer, masks).toString()).toBe(`{"message":"session \`${mask.id}\` not found \ud83d\ude00"}`)
})

const caller = callerOf({ id: 'ci', team: 'payments', roles: [] })
const stampOf = (text: string, id = 'agents.create', isOn = true) =>
  createStamp({ isOn })({
    operation: operationOf(id),
    caller,
    exchangeId: 'req_1',
    body: Buffer.from(text),
    parsed: readJsonBody(Buffer.from(text), json),
  })
const pairs = '"tollgate_owner":"payments/ci","tollgate_exchange":"req_1"'

test.each([
  ['{}', `{"metadata":{${pairs}}}`],
  ['{ "name":"caf\u00e9" }', `{ "name":"caf\u00e9","metadata":{${pairs}} }`],
  ['{"metadata":{},"n":12345678901234567890}', `{"metadata":{${pairs}},"n":12345678901234567890}`],
  ['{"metadata" : { "a" : "b" } ,"n":1}', `{"metadata" : { "a" : "b",${pairs} } ,"n":1}`],
  ['{"metadata":null}', `{"metadata":{${pairs}}}`],
  ['{"x":{"metadata":{"a":"b"}}}', `{"x":{"metadata":{"a":"b"}},"metadata":{${pairs}}}`],
  ['{"\\u006detadata":{"}":"\\"{"}}', `{"\\u006detadata":{"}":"\\"{",${pairs}}}`],
])('the stamp goes into %s and no other byte changes', (text, expected) => {
  expect(stampOf(text)?.toString()).toBe(expected)
})

test('whatever a body holds, the stamp adds two pairs and the rest reads as before', () => {
  const key = fc
    .string()
    .filter((name) => name !== '__proto__' && name.isWellFormed() && !name.includes('\0'))
  const value = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.string({ unit: 'grapheme' }), { maxKeys: 14 }),
      value,
      spaces,
      (metadata, other, space) => {
        const text = textOf({ other: JSON.stringify(other), metadata }, space)
        const stamped = stampOf(text)
        expect(JSON.parse(String(stamped))).toEqual({
          ...JSON.parse(text),
          metadata: { ...metadata, tollgate_owner: 'payments/ci', tollgate_exchange: 'req_1' },
        })
      },
    ),
  )
})

const full = (count: number): string =>
  JSON.stringify({ metadata: Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v'])) })

test('sixteen pairs are the limit: the owner is written where there is room, and nothing where there is none', () => {
  expect(String(stampOf(full(14)))).toContain(`"v",${pairs}}`)
  expect(String(stampOf(full(15)))).toMatch(/"v","tollgate_owner":"payments\/ci"}}$/)
  expect(stampOf(full(16))).toBeNull()
})

test.each([
  ['agents.create', '{"metadata":{"tollgate_owner":"other/x"}}', 'ownership.key_reserved'],
  ['agents.update', '{"metadata":{"tollgate_owner":null}}', 'ownership.key_reserved'],
  ['environments.update', '{"metadata":{"tollgate_owner":""}}', 'ownership.key_reserved'],
  ['sessions.update', '{"metadata":{"Tollgate_Exchange":"x"}}', 'ownership.key_reserved'],
  ['sessions.create', '{"metadata":{"\\uff54ollgate_owner":"x"}}', 'ownership.key_reserved'],
  ['vaults.credentials.create', '{"metadata":{"tollgate_x":"y"}}', 'ownership.key_reserved'],
  ['deployments.update', '{"metadata":null}', 'ownership.key_reserved'],
  ['sessions.create', '{"Metadata":{"tollgate_owner":"x"}}', 'body.shape'],
])('%s with %s is refused: nobody writes or wipes a stamp', (id, text, code) => {
  expect(stampOf(text, id)).toMatchObject({ kind: 'denial', code })
  expect(stampOf(text, id, false)).toMatchObject({ kind: 'denial', code })
})

test('what carries no stamp is left alone', () => {
  for (const id of ['agents.update', 'vaults.credentials.create', 'messages.create', 'dreams.create']) {
    expect(stampOf('{"metadata":{"a":"b"}}', id)).toBeNull()
  }
  expect(stampOf('{"metadata":"text"}')).toBeNull()
  expect(stampOf('{}', 'agents.create', false)).toBeNull()
})

const answerOf = (status: number, body: object = {}): UpstreamAnswer => ({
  status,
  body,
  text: JSON.stringify(body),
})
const stamped = (id: string, owner: string) => answerOf(200, { id, metadata: { tollgate_owner: owner } })

/** Owners in front of a made-up upstream and ledger, and what they were asked. */
function ownersOf(
  upstream: (path: string) => UpstreamAnswer | Promise<UpstreamAnswer>,
  ledger: OwnersDeps['readOwners'] = async () => new Map(),
) {
  const asked: string[] = []
  const owners = createOwners({
    readUpstream: async (_team, path) => {
      asked.push(path)
      return upstream(path)
    },
    readOwners: async (kind, ids) => {
      asked.push(`ledger ${kind} ${ids.join()}`)
      return ledger(kind, ids)
    },
  })
  return { owners, asked }
}

test('an owner is read from the object’s stamp once, and remembered', async () => {
  const { owners, asked } = ownersOf(() => stamped('agent_1', 'payments/ci'))
  expect(owners.known('agent', 'agent_1')).toBeUndefined()
  expect(await owners.ask('t', 'agent', 'agent_1')).toEqual({ team: 'payments', caller: 'ci' })
  expect(owners.known('agent', 'agent_1')).toEqual({ team: 'payments', caller: 'ci' })
  expect(asked).toEqual(['/v1/agents/agent_1', 'ledger agent agent_1'])
})

test('many questions about one object that are under way are one', async () => {
  const gate = deferred<UpstreamAnswer>()
  const { owners, asked } = ownersOf(() => gate.promise)
  const answers = Array.from({ length: 20 }, () => owners.ask('t', 'vault', 'vlt_1'))
  gate.resolve(stamped('vlt_1', 'a/b'))
  expect(new Set(await Promise.all(answers)).size).toBe(1)
  expect(asked).toHaveLength(2)
})

test('memory is bounded', async () => {
  const owners = createOwners({
    readUpstream: async () => answerOf(404),
    readOwners: async () => new Map(),
    rememberedMax: 10,
  })
  for (let at = 0; at < 100; at++) owners.learn('file', `file_${at}`, { team: 't', caller: 'c' })
  const kept = Array.from({ length: 100 }, (_, at) => owners.known('file', `file_${at}`))
  expect(kept.filter((owner) => owner !== undefined)).toHaveLength(10)
})

test.each([
  [
    'a stamp wins over the ledger',
    stamped('agent_1', 'a/b'),
    { team: 'c', caller: 'd' },
    { team: 'a', caller: 'b' },
  ],
  [
    'the ledger knows what carries no stamp',
    answerOf(200, { id: 'agent_1' }),
    { team: 'c', caller: 'd' },
    { team: 'c', caller: 'd' },
  ],
  ['nobody made it here', answerOf(200, { id: 'agent_1' }), null, 'unowned'],
  ['a stamp that we would not write is none', stamped('agent_1', 'no owner'), null, 'unowned'],
  ['what the upstream does not have', answerOf(404), null, 'missing'],
  ['an id that no object can have', answerOf(400), null, 'missing'],
  ['an upstream that refuses to say', answerOf(401), null, 'unavailable'],
  ['an upstream that is too busy', answerOf(429), null, 'unavailable'],
  ['an upstream that is broken', answerOf(500), null, 'unavailable'],
  [
    'the ledger, when the upstream cannot say',
    answerOf(500),
    { team: 'c', caller: 'd' },
    { team: 'c', caller: 'd' },
  ],
  ['a ledger that is away, and no stamp', answerOf(200, { id: 'agent_1' }), 'away', 'unavailable'],
  ['a ledger that is away, and a stamp', stamped('agent_1', 'a/b'), 'away', { team: 'a', caller: 'b' }],
] as const)('%s', async (_, answer, record, expected) => {
  const { owners, asked } = ownersOf(
    () => answer,
    async () => {
      if (record === 'away') throw new Error('away')
      return new Map(record === null ? [] : [['agent_1', record]])
    },
  )
  expect(await owners.ask('t', 'agent', 'agent_1')).toEqual(expected)
  // Whatever comes of it, it cost the same.
  expect(asked).toEqual(['/v1/agents/agent_1', 'ledger agent agent_1'])
})

test('an upstream that cannot be reached is no answer', async () => {
  const { owners } = ownersOf(() => Promise.reject(new Error('refused')))
  expect(await owners.ask('t', 'agent', 'agent_1')).toBe('unavailable')
})

test('about what cannot be an id nobody is asked', async () => {
  const { owners, asked } = ownersOf(() => answerOf(200))
  for (const id of ['', 'a/b', 'x'.repeat(300), '*', 'a b'])
    expect(await owners.ask('t', 'agent', id)).toBe('missing')
  expect(asked).toEqual([])
})

test('a run and its session belong to the deployment’s owner, a session’s file to the session’s', async () => {
  const objects: { readonly [path: string]: UpstreamAnswer } = {
    '/v1/deployments/depl_1': stamped('depl_1', 'a/b'),
    '/v1/deployment_runs/drun_1': answerOf(200, { id: 'drun_1', deployment_id: 'depl_1' }),
    '/v1/sessions/sesn_1': answerOf(200, { id: 'sesn_1', metadata: {}, deployment_id: 'depl_1' }),
    '/v1/files/file_1': answerOf(200, { id: 'file_1', scope: { type: 'session', id: 'sesn_1' } }),
  }
  for (const [kind, id] of [
    ['deployment_run', 'drun_1'],
    ['session', 'sesn_1'],
    ['file', 'file_1'],
  ] as const) {
    const { owners } = ownersOf((path) => objects[path] ?? answerOf(404))
    expect([kind, await owners.ask('t', kind, id)]).toEqual([kind, { team: 'a', caller: 'b' }])
  }
})

test('the session of a dream and the memory it makes belong to the dream’s owner', async () => {
  const dreams = {
    data: [
      {
        id: 'drm_1',
        session_id: 'sesn_1',
        outputs: [{ type: 'memory_store', memory_store_id: 'memstore_1' }],
      },
    ],
    next_page: null,
  }
  const { owners } = ownersOf((path) =>
    path.startsWith('/v1/dreams?') ? answerOf(200, dreams) : answerOf(200, { id: path.split('/')[3] }),
  )
  owners.learn('dream', 'drm_1', { team: 'a', caller: 'b' })
  expect(await owners.ask('t', 'session', 'sesn_1')).toEqual({ team: 'a', caller: 'b' })
  expect(await owners.ask('t', 'memory_store', 'memstore_1')).toEqual({ team: 'a', caller: 'b' })
  expect(await owners.ask('t', 'memory_store', 'memstore_2')).toBe('unowned')
})

test('the provider’s own skills are everybody’s', async () => {
  for (const source of ['anthropic', { type: 'anthropic' }]) {
    const { owners } = ownersOf(() => answerOf(200, { id: 'xlsx', source }))
    expect(await owners.ask('t', 'skill', 'xlsx')).toBe('public')
  }
})

test('a page costs one question of the ledger, and none for what is stamped or known', async () => {
  const { owners, asked } = ownersOf(
    () => answerOf(404),
    async () => new Map([['file_2', { team: 'c', caller: 'd' }]]),
  )
  owners.learn('file', 'file_1', { team: 'a', caller: 'b' })
  const files = ['file_1', 'file_2', 'file_3'].map((id) => ({ id }))
  expect(await owners.askListed('t', 'file', files)).toEqual([
    { team: 'a', caller: 'b' },
    { team: 'c', caller: 'd' },
    'unowned',
  ])
  const agents = ['agent_1', 'agent_2'].map((id) => ({ id, metadata: { tollgate_owner: 'e/f' } }))
  expect(await owners.askListed('t', 'agent', agents)).toEqual([
    { team: 'e', caller: 'f' },
    { team: 'e', caller: 'f' },
  ])
  expect(asked).toEqual(['ledger file file_2,file_3'])
})

test('what was seen made here is not forgotten because the ledger does not know it yet', async () => {
  const { owners } = ownersOf(() => answerOf(200, { id: 'file_1' }))
  owners.learn('file', 'file_1', { team: 'a', caller: 'b' })
  expect(await owners.ask('t', 'file', 'file_1')).toEqual({ team: 'a', caller: 'b' })
})

const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')

async function checkWith(rules: string, owners: ReturnType<typeof ownersOf>['owners']) {
  const policyText = `p, role:x, *, agent.read, agent/*, allow\n${rules}`
  const policy = await createSnapshot({
    modelText,
    policyText,
    policy: parsePolicy(policyText, 'policy.csv'),
    grants: [{ caller: 'ci', role: 'x', team: 'payments' }],
    teams: new Set(['payments']),
  })
  const check = createCheckOwnership({ owners, unownedTo: () => null })
  return (id: string, params: { readonly [name: string]: string }, body: object | null = null) => {
    const operation = operationOf(id)
    const capabilities = expandCapabilities({ operation, params, parsed: body ?? undefined })
    if ('kind' in capabilities) throw new Error(capabilities.message)
    const path = operation.pattern.replaceAll(/:([a-z_]+)/g, (_, name: string) => params[name] ?? '')
    const bytes = body === null ? null : Buffer.from(JSON.stringify(body))
    return check({ operation, params, path, capabilities, caller, body: bytes, policy })
  }
}

test('what memory knows to be one’s own is cleared at once; everything else is asked about', async () => {
  const { owners, asked } = ownersOf(() => answerOf(404))
  const check = await checkWith('', owners)
  owners.learn('agent', 'agent_1', { team: 'payments', caller: 'ci' })
  owners.learn('agent', 'agent_2', { team: 'other', caller: 'x' })
  expect(check('agents.list', {})).toMatchObject({ kind: 'cleared', masks: [] })
  expect(check('agents.retrieve', { agent_id: 'agent_1' })).toMatchObject({ kind: 'cleared', masks: [] })
  expect(asked).toEqual([])
  for (const id of ['agent_2', 'agent_3']) {
    const found = check('agents.retrieve', { agent_id: id })
    expect(found).toBeInstanceOf(Promise)
    expect(await found).toMatchObject({ kind: 'cleared', masks: [{ kind: 'agent', id }] })
  }
  expect(asked).toHaveLength(4)
})

test('for whom it makes no difference whose it is, nobody is asked', async () => {
  const { owners, asked } = ownersOf(() => answerOf(404))
  const check = await checkWith('p, role:x, *, visibility.*, owner/*, allow', owners)
  expect(check('agents.retrieve', { agent_id: 'agent_1' })).toMatchObject({ kind: 'cleared', masks: [] })
  expect(asked).toEqual([])
})

test('an id that the policy had to write in another way is masked as it stands in the body', async () => {
  const { owners } = ownersOf(() => answerOf(404))
  const check = await checkWith('', owners)
  const body = { name: 'a', model: 'm', skills: [{ type: 'custom', skill_id: 'skill:1@x' }] }
  const found = await check('agents.create', {}, body)
  if (found.kind !== 'cleared') throw new Error(found.kind)
  expect(found.masks.map(({ id }) => id)).toEqual(['skill:1@x'])
  expect(found.body?.toString()).not.toContain('skill:1')
})

test('what is shared for less is refused before anything is masked', async () => {
  const { owners } = ownersOf(() => answerOf(404))
  owners.learn('session', 'sesn_1', { team: 'other', caller: 'x' })
  const check = await checkWith('p, role:x, *, visibility.read, owner/other/*, allow', owners)
  const found = await check(
    'sessions.resources.add',
    { session_id: 'sesn_1' },
    { type: 'file', file_id: 'file_1' },
  )
  expect(found).toEqual({
    kind: 'not_shared',
    capabilities: [{ action: 'visibility.write', object: 'owner/other/session/sesn_1' }],
  })
})

test('when nobody can say whose it is, the request is refused and not sent', async () => {
  const { owners } = ownersOf(() => answerOf(500))
  const check = await checkWith('', owners)
  expect(await check('agents.retrieve', { agent_id: 'agent_1' })).toMatchObject({
    kind: 'denial',
    code: 'ownership.unavailable',
  })
})
