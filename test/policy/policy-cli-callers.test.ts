// The policy commands know everybody whom the gateway would let in, callers that a rule makes of tokens or certificates
// included, and everything a request is judged by that can be known offline.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { replayDecisions } from '../../src/cli/policy-replay.ts'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { standingIn } from '../../src/identify/standing.ts'

const model = fileURLToPath(new URL('../../policies/model.conf', import.meta.url))
let folder: string
const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const policy = `p, role:runner, *, session.*, session/*, allow
p, role:runner, *, event.send, event/*, allow
p, role:runner, *, tool.confirm, tool/*, allow
p, *, *, tool.confirm, tool/bash, deny
p, role:reader, *, session.read, session/*, allow
`
const directory = `teams: [{ name: payments, cost_centre: a }, { name: data, cost_centre: b }]
callers:
  - id: ci
    team: payments
    roles: [runner]
    keys:
      - id: aaaaaaaaaaaa
        hash: hmac-sha256:${'0'.repeat(64)}
        created: 2026-01-01
        expires: 2027-01-01
        scopes: [session.read]
issuers:
  - id: forge
    issuer: https://forge.example
    audience: gateway
    algorithms: [RS256]
    jwks_file: forge.json
    callers:
      - { when: { ref: main }, caller: "gh-{repository}", team: payments, roles: [runner] }
      - { when: { ref: "*" }, caller: "look-{repository}", team: data, roles: [reader] }
`

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-callers-'))
  cpSync(model, join(folder, 'model.conf'))
  put('policy.csv', policy)
  put('directory.yaml', directory)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function run(...args: readonly string[]) {
  const said = { out: '', err: '' }
  const code = await runTollgate(['policy', ...args], {
    env: { TOLLGATE_POLICIES_DIR: folder },
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    readFile: () => '',
    untilStopped: async () => {},
  })
  return { code, ...said }
}

const retrieve = ['--operation', 'sessions.retrieve', '--param', 'session_id=sesn_1'] as const

test('explain judges a caller that a rule makes by its name, by roles made up for it, and by the claims of a token', async () => {
  const claims = put(
    'claims.json',
    '{"iss":"https://forge.example","sub":"x","ref":"main","repository":"acme/app"}',
  )
  for (const who of [
    ['--caller', 'gh-acme.app'],
    ['--caller', 'payments/gh-acme.app'],
    ['--caller', 'data/anybody', '--roles', 'runner'],
    ['--token-claims', claims],
  ]) {
    const { code, out } = await run('explain', ...who, ...retrieve)
    expect([code, out]).toEqual([0, expect.stringContaining('allowed: 1 of 1 pairs are allowed')])
  }
  expect((await run('explain', '--caller', 'look-x', '--operation', 'sessions.create')).out).toContain(
    'denied:',
  )
  const stranger = put('stranger.json', '{"iss":"https://forge.example","sub":"x","repository":"acme/app"}')
  const nobody = await run('explain', '--token-claims', stranger, ...retrieve)
  expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('no rule under `callers` fits')])
  const both = await run('explain', '--caller', 'ci', '--token-claims', claims, ...retrieve)
  expect([both.code, both.err]).toEqual([2, expect.stringContaining('either --caller or --token-claims')])
})

test('explain says what the scopes of a key take away, whose objects would be asked about, and what stays open', async () => {
  const key = ['--caller', 'ci', '--key', 'aaaaaaaaaaaa'] as const
  const read = await run('explain', ...key, ...retrieve, '--json')
  expect(JSON.parse(read.out)).toMatchObject({
    verdict: 'allowed',
    scopes: ['session.read'],
    ownership: [{ kind: 'session', id: 'sesn_1', need: 'read', any_owner: false }],
  })
  const created = await run('explain', ...key, '--operation', 'sessions.create')
  expect(created.out).toContain('directory.yaml key aaaaaaaaaaaa (scopes session.read)')
  const body = put(
    'confirm.json',
    '{"events":[{"type":"user.tool_confirmation","tool_use_id":"sevt_1","result":"allow"}]}',
  )
  const sending = ['--operation', 'sessions.events.send', '--param', 'session_id=sesn_1', '--body', body]
  const confirmed = await run('explain', '--caller', 'ci', ...sending)
  expect(confirmed.out).toContain(
    'denied   tool.confirm tool/*\n    policy.csv:4: p, *, *, tool.confirm, tool/bash, deny',
  )
  expect(confirmed.out).toContain('asked    may write session/sesn_1')
  expect(confirmed.out).toContain('open     which tool is confirmed')
  const polled = [
    '--operation',
    'environments.work.poll',
    '--param',
    'environment_id=env_1',
    '--upstream-bearer',
  ]
  const passed = await run('explain', '--caller', 'ci', ...polled)
  expect(passed.out).toContain('credential.passthrough operation/environments.work.poll')
})

test('who-can and what-can know the callers that rules make', async () => {
  const { out } = await run('who-can', 'session.read', 'session/*', '--json')
  const answer = z.object({ callers: z.array(z.object({ caller: z.string(), team: z.string() })) })
  expect(answer.parse(JSON.parse(out)).callers.map(({ caller, team }) => [caller, team])).toEqual([
    ['ci', 'payments'],
    ['gh-{repository} by forge', 'payments'],
    ['look-{repository} by forge', 'data'],
  ])
  const made = await run('what-can', 'gh-acme.app')
  expect(made.out.match(/policy\.csv:\d+/g)).toEqual([1, 2, 3, 4].map((line) => `policy.csv:${line}`))
})

test('a name that rules could make in two ways stands for nobody, unless what is recorded tells which', () => {
  const twice = directory.replace('caller: "look-{repository}"', 'caller: "gh-{repository}"')
  const read = parseDirectory(twice, 'directory.yaml', new Set(['runner', 'reader']))
  const named = { id: 'gh-x', keyId: 'forge' }
  expect(standingIn(read, { ...named, team: '' })).toBeNull()
  expect(standingIn(read, { ...named, team: 'data' })).toMatchObject({ sub: 'caller:@reader', team: 'data' })
  expect(standingIn(read, { id: 'hg-x', team: 'data', keyId: 'forge' })).toBeNull()
  expect(standingIn(read, { id: 'ci', team: 'x', keyId: '' })).toMatchObject({
    sub: 'caller:ci',
    team: 'payments',
  })
})

test('replay judges decisions about callers that rules make by the roles these give', () => {
  const read = parseDirectory(directory, 'directory.yaml', new Set(['runner', 'reader']))
  const asked: string[] = []
  const snapshot = {
    decide: (sub: string, dom: string) => {
      asked.push(`${sub} ${dom}`)
      return { allowed: true, rule: 'policy.csv:1' }
    },
    denialWithin: () => '',
  }
  const decided = {
    caller: 'gh-acme.app',
    team: 'payments',
    operation: 'sessions.list',
    key_id: 'forge',
    allowed: false,
    rules: '',
    capabilities: 'session.read session/*',
    count: 2,
  }
  const replay = replayDecisions([decided, { ...decided, caller: 'gone' }], { snapshot, directory: read })
  expect(replay).toMatchObject({ changed: 2, same: 0, unknownCaller: 2 })
  expect(asked).toEqual(['caller:@runner payments'])
})
