// The policies as shipped, starter and strict: each proves its own cases, knows every action, and means to Casbin what it
// means to us.
import { readFileSync } from 'node:fs'
import { newModelFromString, StringAdapter } from 'casbin'
import { describe, expect, test } from 'vitest'
import { findUntouchedRules } from '../../src/authorize/case-coverage.ts'
import { parseCases } from '../../src/authorize/cases-file.ts'
import { showRule } from '../../src/authorize/explain.ts'
import { lintPolicies, loadPolicySnapshot } from '../../src/authorize/load-policies.ts'
import { objectKindOf } from '../../src/authorize/vocabulary.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { createFirstDirectory } from '../../src/identify/directory-file.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { operations } from '../../src/upstream/operations.ts'

const read = (file: string) => ({
  file,
  text: readFileSync(new URL(`../../policies/${file}`, import.meta.url), 'utf8'),
})
const textsIn = (folder: string) => ({
  model: read('model.conf'),
  policy: read(`${folder}policy.csv`),
  cases: read(`${folder}cases.csv`),
})
const texts = textsIn('')
const first = createFirstDirectory({ pepper: new Secret('p'), nowMs: 0 })
const directory = parseDirectory(first.text, 'directory.yaml', lintPolicies(texts).roles)

test('what `npm start` uses is the starter preset, so that one can come back to it', () => {
  for (const name of ['policy.csv', 'cases.csv']) {
    const [used, preset] = [read(name), read(`presets/starter/${name}`)]
    expect(used.text === preset.text, `copy policies/${name} to policies/presets/starter/`).toBe(true)
  }
})

describe.each([
  ['starter', ''],
  ['strict', 'presets/strict/'],
])('the %s policy', (_preset, folder) => {
  const texts = textsIn(folder)
  const policy = lintPolicies(texts)

  test('passes its own cases, and every role has some', async () => {
    await expect(loadPolicySnapshot({ ...texts, directory })).resolves.toBeDefined()
    const tried = new Set(parseCases(texts.cases.text, texts.cases.file).flatMap((each) => each.roles))
    expect(tried).toEqual(policy.roles)
  })

  test('has a case for every rule', () => {
    const cases = parseCases(texts.cases.text, texts.cases.file)
    const untouched = findUntouchedRules(policy, cases, new Set())
    expect(untouched.map((rule) => `${rule.line}: ${showRule(rule)}`)).toEqual([])
  })

  test('an admin may do every operation there is, and a stranger none', async () => {
    const snapshot = await loadPolicySnapshot({ ...texts, directory })
    for (const { action, resource } of operations) {
      expect(objectKindOf.get(action)).toBe(resource)
      expect(snapshot.decide('caller:first-admin', 'platform', action, `${resource}/x`).allowed).toBe(true)
      expect(snapshot.decide('caller:stranger', 'platform', action, `${resource}/x`).allowed).toBe(false)
      expect(snapshot.decide('caller:first-admin', 'elsewhere', action, `${resource}/x`).allowed).toBe(false)
    }
    expect(snapshot.decide('caller:first-admin', 'platform', 'usage.read', 'usage/*').allowed).toBe(true)
  })

  test('the same files, read by Casbin itself, hold the same rules in the same order', async () => {
    const model = newModelFromString(texts.model.text)
    await new StringAdapter(texts.policy.text).loadPolicy(model)
    expect(model.model.get('p')?.get('p')?.policy).toEqual(
      policy.rules.map(({ sub, dom, act, obj, eft }) => [sub, dom, act, obj, eft]),
    )
    expect(model.model.get('g')?.get('g')?.policy).toEqual(
      policy.links.map(({ sub, role, dom }) => [sub, role, dom]),
    )
  })
})

test('a policy that fails one of its cases is not loaded, and the case is named', async () => {
  const cases = {
    file: 'cases.csv',
    text: 'team,roles,action,object,expected\n\n*,viewer,session.delete,session/a,allow',
  }
  await expect(loadPolicySnapshot({ ...texts, cases, directory })).rejects.toMatchObject({
    file: 'cases.csv',
    line: 3,
    reason: expect.stringContaining('no rule allows it'),
  })
})

test('a rule about a team or caller that is not in the directory is refused', async () => {
  const withRule = (rule: string) => ({ ...texts, directory, policy: { file: 'policy.csv', text: rule } })
  await expect(loadPolicySnapshot(withRule('p, *, platfrom, *, *, deny'))).rejects.toThrow('platfrom')
  await expect(loadPolicySnapshot(withRule('p, caller:ghost, *, *, *, deny'))).rejects.toThrow('caller:ghost')
})
