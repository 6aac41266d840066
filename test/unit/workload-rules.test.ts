// Rules that make callers of certificates: what the directory refuses to load, and what a certificate is worth later.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Caller } from '../../src/identify/caller.ts'
import { createCertificateDoor } from '../../src/identify/certificates/certificate-door.ts'
import type { PeerCertificate } from '../../src/identify/certificates/peer-certificate.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import type { Identify } from '../../src/identify/identify.ts'
import { callerOf } from '../support/caller-of.ts'

const roles = new Set(['service', 'viewer', 'admin'])
const people = `teams: [{ name: payments, cost_centre: CC-1 }, { name: data, cost_centre: CC-2 }]
callers:
  - { id: ci, team: payments, roles: [service] }
`
const parse = (text: string) => parseDirectory(people + text, 'directory.yaml', roles)
const domain = (rule: string, id = 'mesh', trustDomain = 'prod.acme.example') =>
  `  - { id: ${id}, trust_domain: ${trustDomain}, callers: [${rule}] }\n`
const one = (fields: string) => `{ team: payments, roles: [service], ${fields} }`

test.each<[string, string, string]>([
  ['a star inside a segment', domain(one('when: { path: /ns/pay* }, caller: a')), '`/*`'],
  ['a star in the middle', domain(one('when: { path: "/ns/*/sa" }, caller: a')), '`/*`'],
  ['a path that leads up', domain(one('when: { path: /ns/../x }, caller: a')), 'path of a SPIFFE id'],
  ['a path that ends in a slash', domain(one('when: { path: /ns/ }, caller: a')), 'path of a SPIFFE id'],
  ['a whole id for a path', domain(one('when: { path: spiffe://x/a }, caller: a')), 'path of a SPIFFE id'],
  ['no condition', domain(one('when: {}, caller: a')), 'path'],
  ['another condition', domain(one('when: { path: /a, dns: x }, caller: a')), 'dns'],
  ['a capital in a trust domain', domain(one('when: { path: /a }, caller: a'), 'mesh', 'Prod'), 'lower case'],
  ['a claim that is no segment', domain(one('when: { path: /a/* }, caller: "m-{sub}"')), 'segments'],
  ['a name without a beginning', domain(one('when: { path: /a/* }, caller: "{path.2}"')), 'begin'],
  ['an unknown team', domain('{ when: { path: /a }, caller: a, team: x, roles: [] }'), 'names no team'],
  ['an unknown role', domain('{ when: { path: /a }, caller: a, team: data, roles: [x] }'), 'is no role'],
  [
    'a listed caller in another team',
    domain('{ when: { path: /a }, caller: ci, team: data, roles: [service] }'),
    'in that team',
  ],
  [
    'a listed caller with other roles',
    domain('{ when: { path: /a }, caller: ci, team: payments, roles: [admin] }'),
    'roles of listed',
  ],
  [
    'a bind of a template',
    domain(one('when: { path: /a/* }, caller: "m-{path.2}", bind: true')),
    'without placeholders',
  ],
  ['a bind of nobody', domain(one('when: { path: /a }, caller: nobody, bind: true')), 'binds nobody'],
  [
    'a trust domain twice',
    domain(one('when: { path: /a }, caller: a')) + domain(one('when: { path: /a }, caller: a'), 'two'),
    'repeats',
  ],
  [
    'an id twice',
    domain(one('when: { path: /a }, caller: a')) + domain(one('when: { path: /a }, caller: a'), 'mesh', 'x'),
    'repeats',
  ],
  [
    'two trust domains that make one name',
    domain(one('when: { path: /a/* }, caller: "m-{path.2}"')) +
      domain(one('when: { path: /a }, caller: m-x'), 'two', 'x'),
    'same name',
  ],
])('a directory with %s is not loaded', (_name, text, reason) => {
  expect(() => parse(`workloads:\n${text}`)).toThrow(/^directory\.yaml:\d+: /)
  expect(() => parse(`workloads:\n${text}`)).toThrow(reason)
})

test('an issuer and a trust domain do not make the same name, nor go by the same id', () => {
  const issuer = (id: string) => `issuers:
  - id: ${id}
    issuer: https://issuer.example
    audience: a
    algorithms: [RS256]
    jwks_file: a.json
    callers: [{ when: { sub: x }, caller: "m-{sub}", team: payments, roles: [service] }]
workloads:
`
  const rule = (caller: string) => domain(one(`when: { path: /a/* }, caller: "${caller}"`))
  expect(() => parse(issuer('other') + rule('m-{path.2}'))).toThrow('same name')
  expect(() => parse(issuer('mesh') + rule('n-{path.2}'))).toThrow('repeats')
  expect(parse(issuer('other') + rule('n-{path.2}')).workloads.domains.size).toBe(1)
})

const bound = `workloads:\n${domain(`${one('when: { path: /ci }, caller: ci, bind: true')}, ${one('when: { path: /ns/* }, caller: "m-{path.2}-{path.3}"')}`)}`
const startMs = Date.UTC(2027, 0, 1)

function openDoor(identify: Identify = () => callerOf({ id: 'ci', team: 'payments', roles: ['service'] })) {
  const now = { ms: startMs, text: bound }
  const clock = { nowMs: () => now.ms, monotonicMs: () => now.ms }
  let parsed = { text: '', directory: parse('') }
  const directory = () => {
    if (parsed.text !== now.text) parsed = { text: now.text, directory: parse(now.text) }
    return parsed.directory
  }
  const door = createCertificateDoor({ directory, clock })
  const accept = door.accept(identify)
  const recheck = door.recheckWith(() => null)
  const enter = (path: string | null, headers: readonly string[] = [], goodUntilMs = startMs + 60_000) => {
    const certificate: PeerCertificate | null =
      path === null
        ? null
        : { kind: 'workload', id: { trustDomain: 'prod.acme.example', path }, goodUntilMs: () => goodUntilMs }
    return accept(headers, '', { ip: '', certificate })
  }
  return { now, enter, again: (caller: Caller) => recheck(caller, startMs) }
}

async function letIn(answer: ReturnType<Identify>): Promise<Caller> {
  const found = await answer
  if ('kind' in found) throw new Error(found.message)
  return found
}

test('a certificate stops counting the moment it ends, on a connection that stays open and for what is open', async () => {
  const { now, enter, again } = openDoor()
  const caller = await letIn(enter('/ns/ops/runner'))
  expect(caller).toMatchObject({
    id: 'm-ops-runner',
    team: 'payments',
    via: 'certificate',
    keyId: 'mesh',
    subject: 'spiffe://prod.acme.example/ns/ops/runner',
    expiresMs: startMs + 60_000,
    policyName: '@service',
  })
  now.ms += 59_999
  expect(again(caller)).toBeNull()
  now.ms += 1
  expect(again(caller)).toMatchObject({ code: 'identify.credential_expired' })
  expect(enter('/ns/ops/runner')).toMatchObject({ code: 'identify.credential_expired' })
})

test('a bound caller stops counting when either its key or its certificate does', async () => {
  const key = ['x-api-key', 'k']
  const { now, enter, again } = openDoor()
  expect(enter(null, key)).toMatchObject({ code: 'identify.certificate_required' })
  expect(enter('/ns/ops/runner', key)).toMatchObject({ code: 'identify.certificate_refused' })
  const caller = await letIn(enter('/ci', key))
  expect(caller).toMatchObject({ id: 'ci', via: 'key' })
  now.ms += 60_000
  expect(again(caller)).toMatchObject({ code: 'identify.credential_expired' })
  // The directory binds it no more: then the key alone is enough.
  now.text = bound.replace('bind: true', 'bind: false')
  expect(again(caller)).toBeNull()
})

test('a bound token that has to be looked up is judged by its own connection', async () => {
  const shared = callerOf({ id: 'ci', team: 'payments', roles: ['service'], via: 'jwt' })
  const { enter, again, now } = openDoor(async () => shared)
  const bearer = ['authorization', 'Bearer eyJh.eyJz.c2ln']
  const first = await letIn(enter('/ci', bearer, startMs + 1_000))
  const second = await letIn(enter('/ci', bearer))
  now.ms += 1_000
  expect(again(first)).toMatchObject({ code: 'identify.credential_expired' })
  expect(again(second)).toBeNull()
  expect(await enter(null, bearer)).toMatchObject({ code: 'identify.certificate_required' })
})

test('a rule that changes its caller, team or roles ends what the old one let in', async () => {
  const { now, enter, again } = openDoor()
  const caller = await letIn(enter('/ns/ops/runner'))
  for (const [from, to] of [
    ['m-{path.2}', 'n-{path.2}'],
    ['roles: [service], when: { path: /ns', 'roles: [viewer], when: { path: /ns'],
    ['path: /ns/*', 'path: /other/*'],
    ['prod.acme.example', 'test.acme.example'],
  ] as const) {
    now.text = bound.replace(from, to)
    expect(now.text).not.toBe(bound)
    expect(again(caller), to).toMatchObject({ code: 'identify.certificate_refused' })
    now.text = bound
    expect(again(caller)).toBeNull()
  }
  // A copy of a caller is nobody this door let in.
  expect(again({ ...caller })).not.toBeNull()
})

test('the example in the docs lets in what it says', async () => {
  const page = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8')
  const [, example = ''] = /```yaml\n(workloads:[\s\S]*?)```/.exec(page) ?? []
  const { enter, now } = openDoor()
  now.text = example
  const who = async (path: string) => {
    const found = await enter(path)
    return 'kind' in found ? 'refused' : found.id
  }
  expect(await who('/ns/payments/sa/release')).toBe('payments-release')
  expect(await who('/ns/payments/sa/nightly')).toBe('mesh-payments.nightly')
  expect(await who('/ns/payments')).toBe('refused')
  expect(await who('/ns/data/sa/release')).toBe('refused')
})

test('a segment with a capital makes no name: `Runner` is not taken for `runner`', () => {
  const { enter } = openDoor()
  expect(enter('/ns/ops/Runner')).toMatchObject({ code: 'identify.certificate_refused' })
  expect(enter('/ns/ops')).toMatchObject({ code: 'identify.certificate_refused' })
})
