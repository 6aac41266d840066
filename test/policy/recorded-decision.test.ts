// What a decision leaves for the audit: everything that was known to be asked, whoever said no, and marked where it is
// known not to be all.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type AuthorizeDeps, createAuthorize } from '../../src/authorize/authorize.ts'
import { readCapabilities, writeCapabilities } from '../../src/authorize/capability-text.ts'
import { decideFor } from '../../src/authorize/decide.ts'
import { loadPolicySnapshot } from '../../src/authorize/load-policies.ts'
import { createShadow } from '../../src/authorize/shadow.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { standingIn } from '../../src/identify/standing.ts'
import { operationOf } from '../support/asked-of.ts'
import { callerOf } from '../support/caller-of.ts'

const model = {
  file: 'model.conf',
  text: readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8'),
}
const directory = parseDirectory(
  `teams: [{ name: payments, cost_centre: a }]
callers: [{ id: ci, team: payments, roles: [dev] }]
issuers:
  - id: forge
    issuer: https://forge.example
    audience: gateway
    algorithms: [RS256]
    jwks_file: forge.json
    callers: [{ when: { ref: main }, caller: "gh-{repository}", team: payments, roles: [dev] }]
`,
  'directory.yaml',
  new Set(['dev']),
)
const snapshotOf = (...rules: readonly string[]) =>
  loadPolicySnapshot({ model, policy: { file: 'policy.csv', text: `${rules.join('\n')}\n` }, directory })

const caller = callerOf({ id: 'ci', team: 'payments', roles: ['dev'] })
const creating = {
  operation: operationOf('sessions.create'),
  caller,
  params: {},
  path: '/v1/sessions',
  body: Buffer.from('{}'),
  parsed: { agent: 'agent_1', environment_id: 'env_1', budget: { type: 'limit' } },
}
const carried = [{ agentId: 'agent_1', version: 3, agent: { model: 'claude-opus-5-5' } }]
const deps = (snapshot: ReturnType<AuthorizeDeps['snapshot']>, more: Partial<AuthorizeDeps> = {}) => ({
  snapshot: () => snapshot,
  checkOwnership: ({ path, body }: { readonly path: string; readonly body: Buffer | null }) =>
    ({ kind: 'cleared', path, body, masks: [] }) as const,
  findCarried: () => carried,
  findConfirmed: () => null,
  ...more,
})
const pairs = (decision: Awaited<ReturnType<ReturnType<typeof createAuthorize>>>): readonly string[] =>
  ('kind' in decision ? (decision.judged?.capabilities ?? []) : decision.capabilities).map(
    ({ action, object }) => `${action} ${object}`,
  )

test('a denial names what its agent carries once that is known, at whichever step it came', async () => {
  const open = await snapshotOf('p, role:dev, *, *, *, allow')
  let isHidden = false
  const authorize = createAuthorize(
    deps(open, {
      checkOwnership: ({ path, body }) =>
        isHidden
          ? { kind: 'denial', code: 'ownership.unavailable', message: 'nobody knows', rule: '' }
          : { kind: 'cleared', path, body, masks: [] },
    }),
  )
  isHidden = true
  const before = await authorize(creating)
  expect(before).toMatchObject({ code: 'ownership.unavailable', judged: { isPartial: true } })
  expect(pairs(before)).toContain('agent.use agent/agent_1')
  expect(pairs(before)).not.toContain('model.use model/claude-opus-5-5')
  isHidden = false
  expect(pairs(await authorize(creating))).toContain('model.use model/claude-opus-5-5')
  isHidden = true
  expect(pairs(await authorize(creating))).toContain('model.use model/claude-opus-5-5')
})

test('what is known not to be all is never read back as if it were', () => {
  const all = [{ action: 'session.create', object: 'session/*' }]
  expect(readCapabilities(writeCapabilities(all))).toEqual(all)
  expect(readCapabilities(writeCapabilities(all, true))).toBeNull()
})

test('whoever has a call billed to a user profile needs the right to it, by header as by body', async () => {
  const limited = await snapshotOf(
    'p, role:dev, *, message.*, message/*, allow',
    'p, role:dev, *, model.*, *, allow',
    'p, role:dev, *, user_profile.use, user_profile/uprof_1, allow',
  )
  const authorize = createAuthorize(deps(limited))
  const message = { ...creating, operation: operationOf('messages.create'), path: '/v1/messages' }
  const parsed = { model: 'claude-opus-5-5', max_tokens: 1, messages: [] }
  const by = async (more: object) => authorize({ ...message, parsed, ...more })
  expect(await by({ userProfile: 'uprof_1' })).not.toHaveProperty('code')
  expect(pairs(await by({ userProfile: 'uprof_1' }))).toContain('user_profile.use user_profile/uprof_1')
  expect(await by({ userProfile: 'uprof_2' })).toMatchObject({ code: 'authorize.denied' })
  expect(await by({ parsed: { ...parsed, user_profile_id: 'uprof_2' } })).toMatchObject({
    code: 'authorize.denied',
  })
})

test('a candidate judges a caller that a rule makes by the roles its own directory gives', async () => {
  const candidate = await snapshotOf('p, role:dev, *, session.read, session/*, allow')
  const shadow = createShadow({
    candidate: () => ({ snapshot: candidate, standingOf: (each) => standingIn(directory, each) }),
    decide: decideFor,
    onDisagreement: () => {},
  })
  // Live, another rule made it, with roles that this directory does not know.
  const made = callerOf({
    id: 'gh-app',
    team: 'payments',
    roles: ['old'],
    keyId: 'forge',
    policyName: '@old',
  })
  expect(shadow(made, [{ action: 'session.read', object: 'session/*' }], true)).toBe('')
  expect(shadow(made, [{ action: 'session.create', object: 'session/*' }], true)).toBe(
    'would_deny: no rule session.create',
  )
})
