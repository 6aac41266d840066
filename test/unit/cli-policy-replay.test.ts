// Recorded decisions judged again: what would change is grouped and counted, and what cannot be judged is not guessed.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCapabilities, writeCapabilities } from '../../src/authorize/capability-text.ts'
import { lintPolicies, loadPolicySnapshot } from '../../src/authorize/load-policies.ts'
import { replayDecisions } from '../../src/cli/policy-replay.ts'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { parseDirectory } from '../../src/identify/directory.ts'

const model = {
  file: 'model.conf',
  text: readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8'),
}
const directoryText = `teams:
  - name: payments
    cost_centre: cc-1
callers:
  - id: ci
    team: payments
    roles: [builder]
    keys:
      - id: aaaaaaaaaaaa
        hash: hmac-sha256:${'0'.repeat(64)}
        created: 2026-01-01
        expires: 2027-01-01
        scopes: [session.read]
`

async function judgingBy(...rules: readonly string[]) {
  const policy = { file: 'policy.csv', text: ['g, role:builder, role:empty, *', ...rules, ''].join('\n') }
  const directory = parseDirectory(directoryText, 'directory.yaml', lintPolicies({ model, policy }).roles)
  return { directory, snapshot: await loadPolicySnapshot({ model, policy, directory }) }
}

const decision = (fields: object) => ({
  caller: 'ci',
  team: 'payments',
  operation: 'sessions.create',
  key_id: '',
  allowed: true,
  rules: 'policy.csv:1',
  capabilities: 'session.create session/*\nagent.use agent/agent_1',
  count: 1,
  ...fields,
})

test('decisions that come out otherwise are grouped by what decides, with how many there were', async () => {
  const judging = await judgingBy(
    'p, role:builder, *, session.create, session/*, allow',
    'p, role:builder, *, agent.use, agent/agent_2, allow',
    'p, role:empty, *, vault.read, vault/*, allow',
  )
  const replay = replayDecisions(
    [
      decision({ count: 3 }),
      decision({ capabilities: 'session.create session/*\nagent.use agent/agent_3', count: 4 }),
      decision({ capabilities: 'session.create session/*\nagent.use agent/agent_2', count: 5 }),
      decision({ operation: 'vaults.list', capabilities: 'vault.read vault/*', allowed: false, count: 2 }),
    ],
    judging,
  )
  expect(replay).toMatchObject({ same: 5, changed: 9, unknownCaller: 0 })
  expect(replay.changes.map(({ now, action, rule, count }) => [now, action, rule, count])).toEqual([
    ['denied', 'agent.use', '', 7],
    ['allowed', 'vault.read', 'policy.csv:4', 2],
  ])
})

test("a key's scopes still take away, and a caller that no directory names is skipped, not guessed", async () => {
  const judging = await judgingBy(
    'p, role:builder, *, *, *, allow',
    'p, role:empty, *, vault.read, vault/*, allow',
  )
  const replay = replayDecisions(
    [
      decision({ key_id: 'aaaaaaaaaaaa', allowed: false, count: 2 }),
      decision({ caller: 'token-a', count: 6 }),
    ],
    judging,
  )
  expect(replay).toEqual({ changes: [], same: 2, changed: 0, unknownCaller: 6 })
})

test('what is recorded of a decision is read back exactly, or says that it is not all', () => {
  const word = fc.stringMatching(/^[a-z_]{1,12}\.[a-z_]{1,12}$/)
  const object = fc.oneof(fc.stringMatching(/^[!-~]{1,60}$/), fc.string({ unit: 'binary', maxLength: 20 }))
  const capability = fc.record({ action: word, object })
  fc.assert(
    fc.property(fc.array(capability, { minLength: 1, maxLength: 60 }), (capabilities) => {
      const text = writeCapabilities(capabilities)
      expect(text.length).toBeLessThanOrEqual(2_050)
      const read = readCapabilities(text)
      if (read === null) expect(text.endsWith('…')).toBe(true)
      else expect(read).toEqual(capabilities)
    }),
  )
  expect(readCapabilities('')).toBeNull()
})

test('without a candidate the command says how to make one, and a span that is none is wrong use', async () => {
  const said: string[] = []
  const io = {
    env: { TOLLGATE_KEY: 'k', TOLLGATE_POLICIES_DIR: 'policies' },
    out: () => {},
    err: (text: string) => void said.push(text),
    readFile: () => '',
    untilStopped: async () => {},
  }
  expect(await runTollgate(['policy', 'replay'], io)).toBe(2)
  expect(said.join('')).toContain('there is no `candidate`')
  expect(await runTollgate(['policy', 'replay', '--since', '93d'], io)).toBe(2)
})
