// What Casbin does to the unwary, one test for each way, in the numbers of our notes on it: refused, or made harmless.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createJudge } from '../../src/authorize/judge.ts'
import { checkModel } from '../../src/authorize/model-file.ts'
import { matchesObject } from '../../src/authorize/pattern.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { shippedModel as model, narrowModel } from '../support/policy-pairs.ts'

const rule = (sub: string, act: string, obj: string, eft = 'allow') => `p, ${sub}, *, ${act}, ${obj}, ${eft}`
const first = rule('role:a', 'session.read', 'session/*')
const parse = (...lines: readonly string[]) => parsePolicy([first, ...lines].join('\n'), 'policy.csv')
const withModel = (from: string, to: string) => () => checkModel(model.replace(from, to), 'model.conf')

/** Caller `x` of team `t` has role `a`. */
async function snapshotOf(...lines: readonly string[]) {
  const policyText = lines.join('\n')
  return createSnapshot({
    modelText: model,
    policyText,
    policy: parsePolicy(policyText, 'policy.csv'),
    grants: [{ caller: 'x', role: 'a', team: 't' }],
    teams: new Set(['t']),
  })
}

test('1: an empty policy, which Casbin judges by a rule of empty columns, is refused and never judged', async () => {
  expect(() => parsePolicy('# nothing\n', 'policy.csv')).toThrow('nobody could do anything')
  const judge = await createJudge(model, [])
  expect(judge([], '', '', '', '')).toEqual([false, undefined])
})

test('2: a policy that cannot be built leaves the one before untouched: there is no loading into it', async () => {
  const live = await snapshotOf(first)
  await expect(
    createSnapshot(
      { modelText: model, policyText: '', policy: parse(), grants: [], teams: new Set() },
      async () => {
        throw new Error('broken')
      },
    ),
  ).rejects.toThrow('broken')
  expect(live.decide('caller:x', 't', 'session.read', 'session/1').allowed).toBe(true)
})

test('3: a decision is made in one go, so no other policy can come in between', async () => {
  const decision = (await snapshotOf(first)).decide('caller:x', 't', 'session.read', 'session/1')
  expect(decision).toEqual({ allowed: true, rule: 'policy.csv:1' })
})

test('4: a name that exists nowhere, and so equals itself everywhere, is refused', () => {
  expect(withModel('r.dom == p.dom', 'r.domm == p.domm')).toThrow('must require')
})

test('5: a misspelled function, which says `undefined`, is refused', () => {
  expect(withModel('matchesAction(', 'matchAction(')).toThrow('must require')
  expect(withModel('m = (p.dom', 'm = !typo(r.sub) && (p.dom')).toThrow('is not a condition')
})

test('6: a misspelled or missing effect, which makes a denial nothing or an allowance, is refused', () => {
  expect(() => parse(rule('role:b', 'session.read', 'session/*', 'denny'))).toThrow('policy.csv:2')
  expect(() => parse('p, role:b, *, session.read, session/*')).toThrow('6 columns, not 5')
})

test('7: a line of unknown type, which Casbin drops, is refused', () => {
  expect(() => parse('P, role:b, *, *, *, deny')).toThrow('policy.csv:2')
  expect(() => parse('p9, role:b, *, *, *, deny')).toThrow('policy.csv:2')
})

test('8: a star in the middle, which keyMatch takes for the end, is refused', () => {
  expect(() => parse(rule('role:b', 'session.read', 'session/*/events'))).toThrow('only at the end')
})

test('9: marks of regular expressions mean themselves or are refused', async () => {
  expect(() => parse(rule('role:b', 'session.read', 'session/a|.*'))).toThrow('not a pattern')
  expect(() => parse(rule('role:b', 'session.read', 'session/(x'))).toThrow('not a pattern')
  const { decide } = await snapshotOf(rule('role:a', 'mcp.connect', 'mcp/https://mcp.example.com/*'))
  expect(decide('caller:x', 't', 'mcp.connect', 'mcp/https://mcp.example.com/a').allowed).toBe(true)
  expect(decide('caller:x', 't', 'mcp.connect', 'mcp/https://mcpxexample.com/a').allowed).toBe(false)
})

test('10: a final star stands for any rest, line breaks included', async () => {
  const { decide } = await snapshotOf(first, rule('*', 'session.read', 'session/secret*', 'deny'))
  expect(decide('caller:x', 't', 'session.read', 'session/secret\nx').allowed).toBe(false)
})

test('11: a placeholder, which would stand for nothing, is refused; the switches of networking are not', () => {
  expect(() => parse(rule('role:b', 'session.read', 'session/:id'))).toThrow('stands for nothing')
  expect(() => parse(rule('role:b', 'session.read', 'session/'))).toThrow('names nothing')
  expect(() => parse(rule('role:b', 'egress.open', 'host/:mcp_servers'))).not.toThrow()
})

test('12: the placeholders of keyMatch4, which compares the wrong ones, are refused', () => {
  expect(() => parse(rule('role:b', 'session.read', 'session/{a}/{b}/{a}'))).toThrow('not a pattern')
})

test('13: nothing in a policy or a request can make matching slow', () => {
  expect(() => parse(rule('role:b', 'session.read', 'session/(a+)+$'))).toThrow('not a pattern')
  expect(() => parse(rule('role:b', 'session.read', `session/${'*/'.repeat(5)}x`))).toThrow('only at the end')
  // A matcher that backtracks would not come back from this one.
  expect(matchesObject(`session/${'a/'.repeat(500_000)}`, `session/${'a/'.repeat(400_000)}b*`)).toBe(false)
})

test('13: no regular expression is made of text at run time in the whole room', () => {
  const room = fileURLToPath(new URL('../../src/authorize', import.meta.url))
  const files = readdirSync(room, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  expect(files.length).toBeGreaterThan(15)
  const makers = files.filter((file) => /\bRegExp\(/.test(readFileSync(join(room, file), 'utf8')))
  expect(makers).toEqual([])
})

test('14: what is remembered of decisions belongs to one policy, and to one question only', async () => {
  const before = await snapshotOf(first)
  const after = await snapshotOf(rule('role:b', 'session.read', 'session/*'))
  const ask = (policy: typeof before) => policy.decide('caller:x', 't', 'session.read', 'session/1').allowed
  expect([ask(before), ask(after), ask(before)]).toEqual([true, false, true])
  // Joined without lengths, these two would be the same question.
  const policyText = rule('*', 'session.read', 'session/*')
  const { decide } = await createSnapshot({
    modelText: narrowModel('r.sub != "caller:x"'),
    policyText,
    policy: parsePolicy(policyText, 'policy.csv'),
    grants: [],
    teams: new Set(['t', 'tt']),
  })
  expect(decide('caller:x', 'tt', 'session.read', 'session/1').allowed).toBe(false)
  expect(decide('caller:xt', 't', 'session.read', 'session/1').allowed).toBe(true)
})

test('15: roles nested deeper than Casbin follows are refused', () => {
  const links = Array.from({ length: 10 }, (_, at) => `g, role:r${at}, role:r${at + 1}, *`)
  expect(() => parse(...links)).toThrow('nested')
})

test('16: our functions take the place of no built-in one, and a model that names one of those is refused', () => {
  expect(withModel('matchesObject(r.obj, p.obj)', 'keyMatch2(r.obj, p.obj)')).toThrow('must require')
})

test('17: a priority, which Casbin sorts now as number and now as text, is refused', () => {
  expect(() => parse('p, 10, role:b, *, session.read, session/*, deny')).toThrow('6 columns, not 7')
})

test('18: teams made up by callers never reach Casbin', async () => {
  const heard = new Set<string>()
  const snapshot = await createSnapshot(
    { modelText: model, policyText: first, policy: parse(), grants: [], teams: new Set(['t']) },
    async (...source) => {
      const judge = await createJudge(...source)
      return (rows, sub, dom, act, obj) => {
        heard.add(dom)
        return judge(rows, sub, dom, act, obj)
      }
    },
  )
  for (let at = 0; at < 100; at++) snapshot.decide('role:a', `made-up-${at}`, 'session.read', 'session/1')
  expect([...heard].filter((dom) => dom.startsWith('made-up'))).toEqual([])
})

test('19: what is not text is denied: to Casbin a list of one text equals that text', async () => {
  const { decide } = await snapshotOf(rule('caller:x', '*', '*'))
  const question = (json: string): Parameters<typeof decide> => JSON.parse(json)
  expect(decide('caller:x', 't', 'session.read', 'session/1').allowed).toBe(true)
  expect(decide(...question('[["caller:x"],"t","session.read","session/1"]')).allowed).toBe(false)
  expect(decide(...question('["caller:x","t","session.read",["session/1"]]')).allowed).toBe(false)
  expect(decide(...question('["caller:x",null,"session.read","session/1"]')).allowed).toBe(false)
})

test('20: a policy is data: what Casbin would evaluate is refused in rules and in the model', () => {
  expect(() => parse('p, role:b, *, session.read, eval(p.x), allow')).toThrow('not code')
  expect(() => parse(rule('true)||(true', 'session.read', 'session/*'))).toThrow('no subject')
  expect(withModel('m = (p.dom', 'm = eval(p.sub) || (p.dom')).toThrow()
})

test('21: a list of one, which throws, is refused; and a switched-off enforcer cannot be had', async () => {
  expect(withModel('m = (p.dom', 'm = r.sub in ("caller:x") && (p.dom')).toThrow('is not a condition')
  const { decide } = await snapshotOf(first)
  expect(decide('caller:nobody', 't', 'vault.read', 'vault/1')).toEqual({ allowed: false, rule: '' })
})
