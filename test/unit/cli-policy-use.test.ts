// `tollgate policy use`: from one shipped policy to the other and back, and never over somebody's own work by accident.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addPolicyUse, usePreset } from '../../src/cli/policy-use.ts'
import { prepareFirstRun } from '../../src/first-run.ts'
import { loadPolicies } from '../../src/policies.ts'

let folder: string
let policies: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-use-'))
  policies = join(folder, 'policies')
  prepareFirstRun(join(folder, 'data'), policies, 0)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const text = (name: string) => readFileSync(join(policies, name), 'utf8')
const mayOpen = async () =>
  (await loadPolicies(policies)).snapshot.decide('caller:first-admin', 'platform', 'egress.open', 'host/*')
    .allowed

test('strict narrows, starter widens again, and nothing else in the folder changes', async () => {
  const before = readdirSync(policies).map((name) => name)
  const kept = ['directory.yaml', 'model.conf'].map(text)
  expect(await mayOpen()).toBe(true)
  expect(await usePreset('strict', policies, false)).toContain('strict is in use')
  expect(await mayOpen()).toBe(false)
  expect(await usePreset('strict', policies, false)).toContain('already')
  await usePreset('starter', policies, false)
  expect(await mayOpen()).toBe(true)
  expect(readdirSync(policies)).toEqual(before)
  expect(['directory.yaml', 'model.conf'].map(text)).toEqual(kept)
})

test('pins that nobody wrote into go with the preset, your own stay', async () => {
  const starter = text('pins.yaml')
  await usePreset('strict', policies, false)
  expect(text('pins.yaml')).toContain('default: strict')
  await usePreset('starter', policies, false)
  expect(text('pins.yaml')).toBe(starter)
  const own = `${starter}\nrejected: { agent_x: [1] }\n`
  writeFileSync(join(policies, 'pins.yaml'), own)
  expect(await usePreset('strict', policies, false)).toContain('pins.yaml stays your own')
  expect(text('pins.yaml')).toBe(own)
})

test('rules of your own are replaced by force only, and kept', async () => {
  const own = `${text('policy.csv')}\np, role:viewer, *, usage.read, usage/*, allow\n`
  writeFileSync(join(policies, 'policy.csv'), own)
  await expect(usePreset('strict', policies, false)).rejects.toThrow('--force')
  expect(text('policy.csv')).toBe(own)
  expect(await usePreset('strict', policies, true)).toContain('policy.csv.before')
  expect(text('policy.csv.before')).toBe(own)
  expect(await mayOpen()).toBe(false)
})

test('a preset that does not know a role of the directory changes nothing, and says which', async () => {
  const directory = text('directory.yaml').replace('- admin\n', '- admin\n      - reviewer\n')
  expect(directory).toContain('reviewer')
  writeFileSync(join(policies, 'directory.yaml'), directory)
  const before = text('policy.csv')
  await expect(usePreset('strict', policies, false)).rejects.toThrow(
    /nothing was changed: directory\.yaml:\d+: .*reviewer/,
  )
  expect(text('policy.csv')).toBe(before)
})

test('before the first start there is nothing to replace', async () => {
  await expect(usePreset('strict', join(folder, 'nowhere'), false)).rejects.toThrow('tollgate start')
})

test('the command takes the folder from the configuration and refuses a preset that is not shipped', async () => {
  let said = ''
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  addPolicyUse(program.command('policy'), {
    env: { TOLLGATE_DATA_DIR: join(folder, 'data'), TOLLGATE_POLICIES_DIR: policies },
    out: () => {},
    err: (line) => {
      said += line
    },
    readFile: () => '',
    untilStopped: async () => {},
  })
  await program.parseAsync(['policy', 'use', 'strict'], { from: 'user' })
  expect(said).toContain(`strict is in use in ${policies}`)
  await expect(program.parseAsync(['policy', 'use', 'loose'], { from: 'user' })).rejects.toThrow()
})
