// The id of another team in every place where the API reads one, made from the table of operations and the SDK's own
// declarations: it is refused, or what goes up in its place names nothing, exactly as for an id that nobody has.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { knownRequestFields } from '../../src/upstream/known-request-fields.ts'
import type { Operation } from '../../src/upstream/operation-type.ts'
import { operations } from '../../src/upstream/operations.ts'
import { type OwnedKind, ownedByList, ownedByParam } from '../../src/upstream/owned-kinds.ts'
import { type Asked, type InjectedCorridor, openInjectedCorridor } from '../support/injected-corridor.ts'
import { type IdPlace, idPlaces, namingMembers, plainMembers } from '../support/named-ids.ts'

let corridor: InjectedCorridor

/** Ids say whose they are: `agent_own`, `agent_theirs`, and `agent_nobody`, which does not exist. */
const idOf = (kind: OwnedKind, whose: 'own' | 'theirs' | 'nobody'): string => `${kind}_${whose}`

const idIn = (path: string): string => path.split(/[/?]/)[3] ?? ''

beforeAll(async () => {
  corridor = await openInjectedCorridor({
    policy: 'p, role:x, *, *, *, allow\np, role:x, *, visibility.*, *, deny\n',
    teamOf: (id) => (id.endsWith('_theirs') ? 'alpha' : id.endsWith('_own') ? 'beta' : null),
    // Only the ledger says whose it is: a stamp is another test's matter.
    objectAt: (path) =>
      path.includes('_own') || path.includes('_theirs') ? { id: idIn(path), version: 1 } : null,
  })
})
afterAll(() => corridor.close())

const multipart = { 'content-type': 'multipart/form-data; boundary=x' }

function requestOf(operation: Operation, path: string, place?: IdPlace, id = ''): Asked {
  const body = place?.body?.(id) ?? (operation.body === 'json' ? {} : undefined)
  const headers = {
    ...(operation.body === 'stream' ? multipart : {}),
    ...(place?.header === undefined ? {} : { [place.header]: id }),
  }
  return {
    method: operation.method,
    path,
    headers,
    ...(body === undefined
      ? operation.body === 'stream'
        ? { body: '--x--\r\n' }
        : {}
      : { body: JSON.stringify(body) }),
  }
}

const pathWith = ({ pattern }: Operation, whose: 'own' | 'theirs' | 'nobody'): string =>
  pattern.replaceAll(/:([a-z_]+)/g, (_, name: string) => {
    const facts = ownedByParam.get(name)
    return facts === undefined ? `${name}_inside` : idOf(facts.kind, whose)
  })

/** What a stranger could tell from the outcome, and whether the id is in what goes up. */
async function outcomeOf(
  asked: Asked,
  id: string,
): Promise<{ readonly seen: object; readonly leaks: boolean }> {
  const { status, code, sent } = await corridor.ask(asked)
  if (sent === null) return { seen: { status, code }, leaks: false }
  const { path, body, masks } = sent.permit
  const goesUp = `${path} ${body?.toString() ?? ''} ${JSON.stringify(asked.headers ?? {})}`
  return {
    seen: {
      status,
      masked: masks.map((mask) => mask.kind),
      lengths: masks.map((mask) => mask.substitute.length),
    },
    leaks: goesUp.includes(id),
  }
}

async function expectAsMissing(make: (whose: 'theirs' | 'nobody') => Asked, kind: OwnedKind): Promise<void> {
  const theirs = await outcomeOf(make('theirs'), idOf(kind, 'theirs'))
  const nobodys = await outcomeOf(make('nobody'), idOf(kind, 'nobody'))
  expect(theirs).toEqual(nobodys)
  expect(theirs.leaks).toBe(false)
  const own = JSON.stringify(theirs.seen)
  expect(own.includes('masked":[]')).toBe(false)
}

test('every operation with a body says which ids it reads, and every member of a body is known to name something or not', () => {
  const withBody = operations.filter(({ body }) => body === 'json').map(({ id }) => id)
  expect(Object.keys(idPlaces).sort()).toEqual(withBody.sort())
  for (const [id, members] of knownRequestFields) {
    for (const member of members) {
      const kind = namingMembers.get(member)
      expect([id, member, kind !== undefined || plainMembers.has(member)]).toEqual([id, member, true])
      const isNamed = kind === undefined || (idPlaces[id] ?? []).some((place) => place.kind === kind)
      expect([id, member, isNamed]).toEqual([id, member, true])
    }
  }
})

const places = operations.flatMap((operation) =>
  (idPlaces[operation.id] ?? []).map((place, at): [string, number, Operation, IdPlace] => [
    operation.id,
    at,
    operation,
    place,
  ]),
)

test.each(places)(
  '%s, place %i: another team’s id is as good as none',
  async (_id, _at, operation, place) => {
    const path = pathWith(operation, 'own')
    // One’s own passes there, so it is the id that makes the difference.
    const own = await corridor.ask(requestOf(operation, path, place, idOf(place.kind, 'own')))
    expect([own.status, own.code, own.sent?.permit.masks]).toEqual([200, '', []])
    await expectAsMissing((whose) => requestOf(operation, path, place, idOf(place.kind, whose)), place.kind)
  },
)

const onOwned = operations.filter(({ pattern }) =>
  [...pattern.matchAll(/:([a-z_]+)/g)].some(([, name]) => ownedByParam.has(name ?? '')),
)

test.each(onOwned.map((operation): [string, Operation] => [operation.id, operation]))(
  '%s: another team’s id in the path is as good as none',
  async (_id, operation) => {
    const kind = [...operation.pattern.matchAll(/:([a-z_]+)/g)]
      .map(([, name = '']) => ownedByParam.get(name)?.kind)
      .find((each) => each !== undefined)
    if (kind === undefined) throw new Error('no owned id')
    const make = (whose: 'own' | 'theirs' | 'nobody') => requestOf(operation, pathWith(operation, whose))
    // Confirmed by its own, without what its body may need.
    expect((await corridor.ask(make('own'))).sent?.permit.masks ?? []).toEqual([])
    await expectAsMissing(make, kind)
  },
)

test('what lives inside an object is only ever reached through the object', () => {
  // Models belong to everybody.
  const free = new Set(['model_id'])
  for (const { id, pattern } of operations) {
    const params = [...pattern.matchAll(/:([a-z_]+)/g)].map(([, name = '']) => name)
    const inside = params.findIndex((name) => !ownedByParam.has(name) && !free.has(name))
    const owner = params.findIndex((name) => ownedByParam.has(name))
    expect([id, inside === -1 || (owner !== -1 && owner < inside)]).toEqual([id, true])
  }
})

/** Query parameters of lists that end like ids, from the SDK's declarations. */
function idsInQueries(): ReadonlySet<string> {
  const root = fileURLToPath(new URL('../../node_modules/@anthropic-ai/sdk/resources', import.meta.url))
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.d.ts') && !file.includes('organization'),
  )
  expect(files.length).toBeGreaterThan(40)
  const names = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const lists = [...text.matchAll(/export interface \w+ListParams[^{]*\{([\s\S]*?)\n\}/g)]
    return lists.flatMap(([, inside = '']) =>
      [...inside.matchAll(/^ {4}'?(\w+_ids?)(?:\[\])?'?\??:/gm)].map(([, name = '']) => name),
    )
  })
  return new Set(names)
}

test('every list that can be asked by somebody’s id hides whose it is', async () => {
  // The workspace is refused as a header. The others name what lies inside the object of the path, or no object of ours.
  const elsewhere = new Set(['workspace_id', 'memory_id', 'api_key_id', 'service_account_id'])
  const kinds = new Map<string, OwnedKind>([
    ['scope_id', 'session'],
    ...[...ownedByParam].map(([param, { kind }]): [string, OwnedKind] => [param, kind]),
  ])
  const names = [...idsInQueries()].filter((name) => !elsewhere.has(name))
  expect(names).toEqual(expect.arrayContaining(['agent_id', 'deployment_id', 'scope_id', 'session_id']))
  const lists = operations.filter(({ id }) => id.endsWith('.list'))
  for (const name of names.filter((each) => !/^(?:after|before)_id$/.test(each))) {
    const kind = kinds.get(name)
    if (kind === undefined) throw new Error(`nobody looks at \`${name}\` in a query`)
    for (const operation of lists) {
      for (const spell of [
        (id: string) => `${name}=${id}`,
        (id: string) => `limit=1&${name}=${kind}_own&${name}=${id}`,
        (id: string) => `${name}[]=${id}`,
        (id: string) => `${name}%5B%5D=${id}`,
        (id: string) =>
          `%${name.charCodeAt(0).toString(16)}${name.slice(1)}=%${id.charCodeAt(0).toString(16)}${id.slice(1)}`,
      ]) {
        const path = pathWith(operation, 'own')
        await expectAsMissing(
          (whose) => ({ method: 'GET', path: `${path}?${spell(idOf(kind, whose))}` }),
          kind,
        )
      }
    }
  }
  for (const [listedBy, { kind, path }] of ownedByList) {
    for (const cursor of ['after_id', 'before_id']) {
      const make = (whose: 'theirs' | 'nobody') =>
        ({ method: 'GET', path: `${path}?${cursor}=${idOf(kind, whose)}` }) as const
      await expectAsMissing(make, kind)
      expect(listedBy).toMatch(/list$/)
    }
  }
})

test.each([
  '',
  ' ',
  '%',
  'Session_Own',
  'session_own ',
  ' session_own',
  'session%5Fown',
  'session_own\\u0000',
  'session_own/../x',
  'ｓession_own',
  '*',
  'session_own:x',
])('an id written as `%s` is never taken for the one it looks like', async (odd) => {
  const before = corridor.reads.length
  for (const [path, body] of [
    ['/v1/dreams', `{"inputs":[{"type":"sessions","session_ids":["${odd}"]}]}`],
    ['/v1/sessions', `{"agent":"${odd}","environment_id":"environment_own"}`],
    ['/v1/sessions', `{"agent":"agent_own","environment_id":"${odd}"}`],
    ['/v1/sessions', `{"agent":"agent_own","environment_id":"environment_own","vault_ids":["${odd}"]}`],
    ['/v1/sessions/session_own/resources', `{"type":"file","file_id":"${odd}"}`],
  ] as const) {
    const { status, sent } = await corridor.ask({ path, body })
    const isMasked = (sent?.permit.masks.length ?? 0) > 0
    // `Session_Own` is an id like another, which the upstream is asked about under its own name.
    if (odd === 'Session_Own') expect(corridor.reads.slice(before).join()).toContain('/Session_Own')
    else expect([body, status === 400 || isMasked]).toEqual([body, true])
  }
})

test('a header that names two profiles to bill, or one beside its own, is as good as one that names none', async () => {
  const body = JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 9, messages: [] })
  const bill = (profile: string) =>
    corridor.ask({ path: '/v1/messages', body, headers: { 'anthropic-user-profile-id': profile } })
  expect((await bill('user_profile_own')).status).toBe(200)
  for (const profile of [
    'user_profile_own, user_profile_theirs',
    'user_profile_theirs',
    'user_profile%5Fown',
    'user_profile_own:user_profile_theirs',
    'user_profile_own@latest',
    '',
  ]) {
    expect([profile, (await bill(profile)).sent]).toEqual([profile, null])
  }
})
