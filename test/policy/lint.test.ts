// What Casbin would take in silence, refused with its line.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkModel } from '../../src/authorize/model-file.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'

const allowed = 'p, role:a, *, session.read, session/*, allow'
const nest = (depth: number) =>
  Array.from({ length: depth }, (_, at) => `g, role:r${at}, role:r${at + 1}, *`).join('\n')

test.each([
  ['an empty file', '# nothing\n', 0, 'nobody could do anything'],
  ['only role links', 'g, role:a, role:b, *', 0, 'no `p` rule'],
  ['a capital P', 'P, role:a, *, *, *, deny', 2, 'begins with `p`'],
  ['an unknown line type', 'p9, role:a, *, *, *, deny', 2, 'begins with `p`'],
  ['a misspelled effect', 'p, role:a, *, *, *, denny', 2, '`denny`'],
  ['a missing effect', 'p, role:a, *, session.read, session/*', 2, '6 columns, not 5'],
  ['a seventh column', 'p, role:a, *, *, *, deny, x', 2, '6 columns, not 7'],
  ['a priority column', 'p, 10, role:a, *, *, *, deny', 2, '6 columns'],
  ['an empty column', 'p, role:a, , *, *, deny', 2, 'empty'],
  ['a subject without its kind', 'p, alice, *, *, *, deny', 2, 'no subject'],
  ['a misspelled action', 'p, role:a, *, session.crate, session/*, deny', 2, 'session.create'],
  ['a misspelled group', 'p, role:a, *, sessions.*, session/*, deny', 2, 'no action'],
  ['a method in place of an action', 'p, role:a, *, POST, session/*, deny', 2, 'rules name actions'],
  ['a misspelled kind', 'p, role:a, *, session.read, sessions/*, deny', 2, 'no object'],
  ['an object its action is never asked on', 'p, role:a, *, session.read, agent/*, deny', 2, 'never match'],
  ['a star in the middle', 'p, role:a, *, session.read, session/*/events, deny', 2, 'only at the end'],
  ['a regular expression', 'p, role:a, *, session.read, session/(a+)+$, deny', 2, 'not a pattern'],
  ['many stars', 'p, role:a, *, session.read, session/a*b*, deny', 2, 'only at the end'],
  ['code', 'p, role:a, *, session.read, eval(p.x), deny', 2, 'not code'],
  ['quotes', 'p, "role:a", *, *, *, deny', 2, 'quotes'],
  ['a comment behind a rule', 'p, role:a, *, *, *, deny # why', 2, 'line of its own'],
  ['a letter that only looks like one', 'p, role:а, *, *, *, deny', 2, 'outside ASCII'],
  ['a repeated rule', allowed, 2, 'repeats line 1'],
  ['a caller given a role here', 'g, caller:x, role:a, *', 2, 'directory.yaml'],
  ['roles in a circle', 'g, role:a, role:b, *\ng, role:b, role:a, *', 3, 'circle'],
  ['roles nested deeper than Casbin follows', nest(10), 11, 'nested'],
])('%s is refused', (_name, lines, line, reason) => {
  const text = line === 0 ? lines : `${allowed}\n${lines}`
  expect(() => parsePolicy(text, 'policy.csv')).toThrow(
    expect.objectContaining({ name: 'PolicyFileError', line, reason: expect.stringContaining(reason) }),
  )
})

test('the deepest nesting that Casbin still follows is accepted', () => {
  expect(parsePolicy(`${allowed}\n${nest(9)}`, 'policy.csv').links).toHaveLength(9)
})

const model = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')

test('the shipped model is accepted, and may be narrowed by a plain condition', () => {
  expect(() => checkModel(model, 'model.conf')).not.toThrow()
  const narrowed = model.replace('m = (p.dom', 'm = r.act != "vault.delete" && (p.dom')
  expect(() => checkModel(narrowed, 'model.conf')).not.toThrow()
})

test.each([
  ['a name that does not exist on both sides', 'r.dom == p.dom', 'r.doom == p.doom'],
  ['a misspelled function', 'matchesObject(', 'matchObject('],
  ['a negated function', '&& (p.sub == "*"', '&& !isBlocked(r.sub) && (p.sub == "*"'],
  ['a regular expression', 'matchesObject(r.obj, p.obj)', 'regexMatch(r.obj, p.obj)'],
  ['a way around', 'm = (p.dom', 'm = r.sub == "caller:root" || (p.dom'],
  ['an evaluated rule', 'm = (p.dom', 'm = eval(p.obj) && (p.dom'],
  ['a missing condition', '(p.dom == "*" || r.dom == p.dom) && ', ''],
  ['a split name', 'r.dom == p.dom', 'r. dom == p. dom'],
  ['an effect that only denies', 'some(where (p.eft == allow)) && ', ''],
  ['an effect that ignores denials', ' && !some(where (p.eft == deny))', ''],
  ['a rule definition without effect', 'obj, eft', 'obj'],
  ['roles without teams', 'g = _, _, _', 'g = _, _'],
  ['a second matcher', '[matchers]', '[matchers]\nm2 = r.sub == p.sub'],
  ['a commented-out section', '[role_definition]', '# [role_definition]'],
])('a model with %s is refused', (_name, from, to) => {
  expect(model).toContain(from)
  expect(() => checkModel(model.replace(from, to), 'model.conf')).toThrow(/^model\.conf(:\d+)?: /)
})
