// `tollgate policy …`: every answer names the rule and its line, and the exit code can be relied on.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { runTollgate } from '../../src/cli/tollgate.ts'

const shipped = fileURLToPath(new URL('../../policies', import.meta.url))
let folder: string
const at = (...names: readonly string[]): string => join(folder, ...names)
const put = (name: string, text: string): void => writeFileSync(at('policies', name), text)

const policy = `# the first rule is on line 2
p, role:dev, *, session.create, session/*, allow
p, role:dev, *, agent.*, agent/*, allow
p, role:dev, payments, environment.use, environment/env_pay*, allow
p, role:ops, *, vault.use, vault/*, allow
p, role:ops, platform, environment.use, environment/*, allow
p, *, *, agent.use, agent/agent_secret, deny
`
const cases = `team,roles,action,object,expected
*,dev,session.create,session/*,allow
payments,dev,environment.use,environment/env_pay_1,allow
*,ops,vault.use,vault/vlt_1,allow
`
const directory = `teams: [{ name: payments, cost_centre: a }, { name: platform, cost_centre: b }]
callers:
  - { id: ci, team: payments, roles: [dev] }
  - { id: ann, team: platform, roles: [ops, dev] }
`

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-policy-'))
  cpSync(shipped, at('policies'), { recursive: true, filter: (path) => !path.endsWith('presets') })
  put('policy.csv', policy)
  put('cases.csv', cases)
  put('directory.yaml', directory)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function run(...args: readonly string[]) {
  const said = { out: '', err: '' }
  const code = await runTollgate(['policy', ...args], {
    env: { TOLLGATE_POLICIES_DIR: at('policies'), TOLLGATE_DATA_DIR: at('data') },
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

test('check finds nothing in the shipped policies, and says what it could not check without a directory', async () => {
  const { code, out, err } = await run('check', shipped)
  expect([code, out]).toEqual([0, ''])
  expect(err).toContain('nothing to complain about')
})

test('check names every fault of every file at its line, and ends with 1', async () => {
  put('policy.csv', `${policy}p, role:dev, *, session.crate, session/*, allow\nP, x\n`)
  put('pins.yaml', 'classes:\n  odd: { explicit_version: maybe }\n')
  put('prices.yaml', 'version: 1\nmarkups:\n  - { from: 2026-11-01, factor: 1.1 }\n')
  const { code, out, err } = await run('check')
  expect(code).toBe(1)
  expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'policy.csv:8:',
    'policy.csv:9:',
    'pins.yaml:2:',
    'prices.yaml:3:',
    '',
  ])
  expect(err).toContain('4 faults')
})

test('check holds rules against the directory and runs the cases', async () => {
  put('policy.csv', `${policy}p, *, platfrom, *, *, deny\n`)
  expect((await run('check')).out).toContain('policy.csv:8: team `platfrom`')
  put('policy.csv', policy)
  put('cases.csv', `${cases}*,dev,vault.use,vault/vlt_1,allow\n*,boss,vault.use,vault/vlt_1,allow\n`)
  const { code, out } = await run('check', at('policies'), '--json')
  const faults = z.object({ faults: z.array(z.object({ file: z.string(), line: z.number() })) })
  expect(code).toBe(1)
  expect(faults.parse(JSON.parse(out)).faults).toEqual([
    { file: 'cases.csv', line: 6 },
    { file: 'cases.csv', line: 5 },
  ])
})

test('test runs the cases and names the rules that none of them touches', async () => {
  const { code, out } = await run('test')
  expect(code).toBe(0)
  expect(out).toContain('3 of 3 cases pass')
  expect(out).toContain('3 of 6 rules (50 %)')
  const untouched = out.match(/policy\.csv:\d+/g)
  expect(untouched).toEqual(['policy.csv:3', 'policy.csv:6', 'policy.csv:7'])
})

test('test ends with 1 when a case fails, and says what decided instead', async () => {
  put('cases.csv', `${cases}*,dev,agent.use,agent/agent_secret,allow\n`)
  const { code, out } = await run('test')
  expect(code).toBe(1)
  expect(out).toContain('cases.csv:5: expected allow')
  expect(out).toContain('policy.csv:7 denies it')
})

async function explain(body: unknown, ...more: readonly string[]) {
  writeFileSync(at('body.json'), JSON.stringify(body))
  const args = ['--caller', 'ci', '--operation', 'sessions.create', '--body', at('body.json')]
  return run('explain', ...args, ...more)
}

test('explain names the rule of every pair, and clause by clause what the nearest ones lack', async () => {
  const body = { agent: 'agent_secret', environment_id: 'env_other', vault_ids: ['vlt_1'] }
  const { code, out } = await explain(body)
  expect(code).toBe(0)
  expect(out).toContain('ci of team payments with dev: sessions.create')
  expect(out).toContain('allowed  session.create session/*\n    policy.csv:2: p, role:dev')
  expect(out).toContain('denied   agent.use agent/agent_secret\n    policy.csv:7:')
  expect(out).toContain('object: it is about environment/env_pay*, not environment/env_other')
  expect(out).toContain('role: it is for role:ops, and this caller is caller:ci, role:dev')
  expect(out).toMatch(/denied: \d of \d pairs are allowed/)
})

test('explain judges what the pins make of the request, and what a given agent carries', async () => {
  put(
    'pins.yaml',
    'classes: { sensitive: { explicit_version: force } }\nsensitivity: [{ agent: agent_1, class: sensitive }]\napproved: { agent_1: [7] }\n',
  )
  writeFileSync(at('agent.json'), JSON.stringify({ name: 'a', model: 'claude-opus-5-5' }))
  const { out } = await explain(
    { agent: 'agent_1', environment_id: 'env_pay_1' },
    '--agent',
    at('agent.json'),
  )
  expect(out).toContain('pinned: agent_1 at version 7 (pins.yaml:')
  // A reference with a version does not float.
  expect(out).not.toContain('agent.float')
  expect(out).toContain('model.use model/claude-opus-5-5')
})

test('explain says when nobody chose a version, and takes the agent handed over for its latest', async () => {
  put('pins.yaml', 'classes: { c: { explicit_version: force } }\ndefault: c\n')
  const body = { agent: 'agent_1', environment_id: 'env_pay_1' }
  expect((await explain(body)).out).toContain('nobody chose a version')
  writeFileSync(
    at('agent.json'),
    JSON.stringify({ id: 'agent_1', version: 3, name: 'a', model: 'claude-opus-5-5' }),
  )
  const { out } = await explain(body, '--agent', at('agent.json'))
  expect(out).toContain('pinned: agent_1 at version 3 (pins.yaml:')
  expect(out).not.toContain('agent.float')
  expect(out).not.toContain('nobody chose a version')
})

test('explain as JSON carries the verdict, each rule and each miss', async () => {
  // A denial for somebody else is not what is lacking.
  put('policy.csv', `${policy}p, role:boss, *, vault.use, vault/*, deny\n`)
  const { out } = await explain({ agent: 'agent_1', vault_ids: ['vlt_1'] }, '--json')
  const answer = z.object({
    verdict: z.string(),
    capabilities: z.array(
      z.looseObject({ action: z.string(), allowed: z.boolean(), nearest: z.array(z.looseObject({})) }),
    ),
  })
  const { verdict, capabilities } = answer.parse(JSON.parse(out))
  expect(verdict).toBe('denied')
  const [vault] = capabilities.filter(({ action }) => action === 'vault.use')
  expect(vault).toMatchObject({
    allowed: false,
    nearest: [{ rule: 'policy.csv:5', missed: [{ clause: 'role' }] }],
  })
  expect(vault?.nearest).toHaveLength(1)
})

test.each([
  [['--caller', 'nobody', '--operation', 'sessions.list'], 'there are: ci, ann'],
  [['--caller', 'ci', '--operation', 'sessions.creat'], 'sessions.create'],
  [['--caller', 'ci', '--operation', 'sessions.retrieve'], '--param session_id='],
  [['--caller', 'ci', '--operation', 'sessions.list', '--param', 'x=1'], 'has no `x`'],
  [['--caller', 'ci', '--operation', 'sessions.list', '--body', '/nowhere'], 'cannot read'],
])('explain refuses %j with what to do', async (args, words) => {
  const { code, err } = await run('explain', ...args)
  expect(code).toBe(2)
  expect(err).toContain(words)
})

test('explain refuses a body that two parsers could read differently, as the gateway would', async () => {
  writeFileSync(at('twice.json'), '{"agent":"agent_1","agent":"agent_2"}')
  const args = ['--caller', 'ci', '--operation', 'sessions.create', '--body', at('twice.json')]
  const { code, err } = await run('explain', ...args)
  expect([code, err]).toEqual([1, expect.stringContaining('duplicate key')])
})

test('who-can lists the callers with the rule that decides for each', async () => {
  const { out } = await run('who-can', 'environment.use', 'environment/env_pay_1')
  expect(out.split('\n')).toEqual([
    expect.stringMatching(/^ci \(payments\) {2}policy\.csv:4: p, role:dev/),
    expect.stringMatching(/^ann \(platform\) {2}policy\.csv:6: p, role:ops/),
    '',
  ])
  expect((await run('who-can', 'agent.use', 'agent/agent_secret')).out).toBe('')
  expect(await run('who-can', 'vault.uze', 'vault/x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('vault.use'),
  })
  expect(await run('who-can', 'vault.use', 'agent/x')).toMatchObject({ code: 2 })
})

test('what-can lists the rules that give and those that take away, with their lines', async () => {
  const { out } = await run('what-can', 'ci')
  expect(out.match(/policy\.csv:\d+/g)).toEqual([2, 3, 4, 7].map((line) => `policy.csv:${line}`))
  expect(out).toContain('may not, whatever allows it')
  const json = await run('what-can', 'ann', '--json')
  const rules = z.looseObject({ rules: z.array(z.looseObject({ line: z.number() })) })
  expect(rules.parse(JSON.parse(json.out)).rules.map(({ line }) => line)).toEqual([2, 3, 5, 6, 7])
})

test('diff tells what became allowed and denied, and ends with 1 only when asked to', async () => {
  cpSync(at('policies'), at('next'), { recursive: true })
  const changed = policy.replace('p, role:ops, *, vault.use, vault/*', 'p, role:dev, *, vault.use, vault/*')
  writeFileSync(at('next', 'policy.csv'), changed)
  const plain = await run('diff', at('policies'), at('next'))
  expect(plain.code).toBe(0)
  expect(plain.out).toContain('became allowed:\n  vault.use vault/*\n      for role:dev, ci\n')
  expect(plain.out).toContain('became denied:\n  vault.use vault/*\n      for role:ops\n')
  expect((await run('diff', at('policies'), at('next'), '--exit-code')).code).toBe(1)
  expect((await run('diff', at('policies'), at('policies'), '--exit-code')).code).toBe(0)
})

test('diff reads a preset, which has no model and no directory of its own, with those of the other folder', async () => {
  put('policy.csv', readFileSync(join(shipped, 'presets', 'starter', 'policy.csv'), 'utf8'))
  put(
    'directory.yaml',
    directory
      .replace('dev]', 'developer]')
      .replace('[ops, dev]', '[service]')
      .replace('[dev]', '[developer]'),
  )
  const { code, out } = await run('diff', at('policies'), join(shipped, 'presets', 'strict'), '--json')
  expect(code).toBe(0)
  const answer = z.looseObject({
    changes: z.array(z.looseObject({ now: z.string(), subjects: z.array(z.string()) })),
  })
  const { changes } = answer.parse(JSON.parse(out))
  expect(changes.some(({ now, subjects }) => now === 'denied' && subjects.includes('ci'))).toBe(true)
})
