// From a request to a verdict: what it is spelled out as, what a denial says, and that only all of it is enough.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAuthorizeAdmin } from '../../src/authorize/authorize.ts'
import { expandCapabilities } from '../../src/authorize/capabilities.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { operationOf } from '../support/asked-of.ts'
import { authorizeAlone } from '../support/authorize-alone.ts'
import { callerOf } from '../support/caller-of.ts'

const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')

const pairsOf = (id: string, parsed: unknown, params: { readonly [name: string]: string } = {}) => {
  const expanded = expandCapabilities({ operation: operationOf(id), params, parsed })
  return 'kind' in expanded ? expanded.code : expanded.map(({ action, object }) => `${action} ${object}`)
}

const caller = callerOf({ id: 'ci', team: 'payments', roles: ['dev'] })

async function gateOf(policyText: string) {
  const policy = parsePolicy(policyText, 'policies/policy.csv')
  const grants = [{ caller: 'ci', role: 'dev', team: 'payments' }]
  const snapshot = await createSnapshot({
    modelText,
    policyText,
    policy,
    grants,
    teams: new Set(['payments']),
  })
  const deps = { snapshot: () => snapshot }
  const authorize = authorizeAlone(deps)
  const ask = (id: string, parsed: unknown) => authorize(requestOf(id, parsed))
  return { ask, authorize, snapshot, admin: createAuthorizeAdmin(deps) }
}

const requestOf = (id: string, parsed: unknown) => ({
  operation: operationOf(id),
  caller,
  params: {},
  path: '/v1/x?y',
  body: Buffer.from('{}'),
  parsed,
})

test.each<[string, unknown, string | readonly string[]]>([
  ['sessions.list', undefined, ['session.read session/*']],
  ['sessions.retrieve', undefined, ['session.read session/sesn_1']],
  ['sessions.events.stream', undefined, ['event.read event/*']],
  [
    'sessions.create',
    {
      agent: { type: 'agent', id: 'a', version: 2 },
      environment_id: 'e',
      vault_ids: ['v', 'w', 'v'],
      budget: { type: 'limit' },
    },
    [
      'session.create session/*',
      'agent.use agent/a',
      'environment.use environment/e',
      'vault.use vault/v',
      'vault.use vault/w',
      'session.budget budget/set',
    ],
  ],
  [
    'sessions.events.send',
    { events: [{ type: 'user.message' }, { type: 'user.message' }] },
    ['event.send event/user.message'],
  ],
  ['sessions.events.send', { events: [] }, ['event.send event/*']],
  ['sessions.events.send', undefined, ['event.send event/*']],
  ['sessions.update', { title: 't' }, ['session.update session/sesn_1']],
  ['sessions.create', ['not an object'], 'body.shape'],
  // Each name costs a judgement: a body of a million is a way to stop everybody.
  [
    'sessions.create',
    { agent: 'a', vault_ids: Array.from({ length: 1_001 }, (_, at) => `v${at}`) },
    'body.shape',
  ],
])('%s with %j asks for %j', (id, parsed, expected) => {
  expect(pairsOf(id, parsed, { session_id: 'sesn_1' })).toEqual(expected)
})

test('every capability must be allowed, and the permit carries exactly what was judged', async () => {
  const { ask, snapshot } = await gateOf(
    [
      'p, role:dev, *, session.create, session/*, allow',
      'p, role:dev, payments, agent.use, agent/a, allow',
      'p, role:dev, *, agent.float, agent/*, allow',
      'p, role:dev, *, session.budget, budget/none, allow',
    ].join('\n'),
  )
  const permit = ask('sessions.create', { agent: 'a' })
  expect(permit).toMatchObject({
    path: '/v1/x?y',
    body: Buffer.from('{}'),
    rules: ['policy.csv:1', 'policy.csv:2', 'policy.csv:3', 'policy.csv:4'],
    policyHash: snapshot.hash,
  })
  expect(ask('sessions.create', { agent: 'b' })).toMatchObject({ code: 'authorize.denied' })
})

test('a denial names every pair refused, its rule or the nearest one, the caller, and what to do', async () => {
  const { ask } = await gateOf(
    [
      'p, role:dev, *, session.create, session/*, allow',
      'p, role:dev, *, agent.use, agent/*, allow',
      'p, *, payments, agent.use, agent/secret, deny',
      'p, role:boss, *, vault.use, vault/*, allow',
      'p, role:dev, *, session.budget, budget/none, allow',
    ].join('\n'),
  )
  const agent = { type: 'agent', id: 'secret', version: 1 }
  const denial = ask('sessions.create', { agent, environment_id: 'env_1', vault_ids: ['vlt_1'] })
  expect(denial).toMatchObject({
    kind: 'denial',
    code: 'authorize.denied',
    message:
      'denied by policy: `agent.use` on `agent/secret`: policy.csv:3 denies it; ' +
      '`environment.use` on `environment/env_1`: no rule allows it; ' +
      '`vault.use` on `vault/vlt_1`: no rule allows it (nearest: policy.csv:4 for role:boss). ' +
      'Caller `ci` of team `payments` has role dev; ask whoever reviews policies/policy.csv',
    rule: 'policy.csv:3, no rule',
  })
})

test('a denial stays short and printable, whatever the body holds', async () => {
  const { ask } = await gateOf('p, role:dev, *, session.create, session/*, allow')
  const vaults = Array.from({ length: 500 }, (_, at) => `${at}_${'x'.repeat(120)}`)
  const denial = ask('sessions.create', { agent: 'a', vault_ids: vaults })
  const message = 'message' in denial ? denial.message : ''
  expect(message.length).toBeLessThan(6_000)
  expect(message).toMatch(/^[\x20-\x7e…]*$/)
  expect(message).toContain('and 483 more')
})

test('what the agent carries is judged as if the request had said it, and the denial names the version', async () => {
  const { authorize } = await gateOf(
    [
      'p, role:dev, *, session.*, *, allow',
      'p, role:dev, *, agent.*, *, allow',
      'p, role:dev, *, model.*, *, allow',
      'p, role:dev, *, tool.enable, tool/read:always_ask, allow',
    ].join('\n'),
  )
  const request = requestOf('sessions.create', { agent: { type: 'agent', id: 'a', version: 3 } })
  const reader = { name: 'read', enabled: true, permission_policy: { type: 'always_ask' } }
  const toolset = (configs: readonly object[]) => [
    { type: 'agent_toolset_20260401', default_config: { enabled: false }, configs },
  ]
  const quiet = { agentId: 'a', version: 3, agent: { model: { id: 'm' }, tools: toolset([reader]) } }
  const loud = {
    agentId: 'b',
    version: 1,
    agent: { model: { id: 'm' }, tools: toolset([{ name: 'bash', enabled: true }]) },
  }

  expect(authorize({ ...request, carried: [quiet] })).toMatchObject({
    capabilities: expect.arrayContaining([{ action: 'tool.enable', object: 'tool/read:always_ask' }]),
    rules: ['policy.csv:1', 'policy.csv:2', 'policy.csv:1', 'policy.csv:3', 'policy.csv:3', 'policy.csv:4'],
  })
  // Twice: the second time its expansion is remembered.
  for (let round = 0; round < 2; round++) {
    expect(authorize({ ...request, carried: [quiet, loud] })).toMatchObject({
      code: 'authorize.denied',
      message: expect.stringContaining(
        'agent `b` version 1 carries `tool.enable` on `tool/bash:always_allow`: no rule allows it',
      ),
    })
  }
  expect(authorize({ ...request, carried: [{ agentId: 'c', version: 2, agent: { tools: 'all' } }] })).toEqual(
    {
      kind: 'denial',
      code: 'authorize.denied',
      message: expect.stringMatching(
        /^agent `c` version 2 cannot be judged, so it cannot run: `tools` is not readable/,
      ),
      rule: '',
      judged: expect.objectContaining({ isPartial: true }),
    },
  )
  expect(authorize({ ...request, carried: [{ agentId: 'd', version: 1, agent: null }] })).toMatchObject({
    code: 'authorize.denied',
  })
})

test('the admin listener asks the same policy', async () => {
  const { admin } = await gateOf('p, role:dev, payments, usage.read, usage/*, allow')
  expect(admin(caller, 'usage.read')).toBeNull()
  expect(admin({ ...caller, id: 'other' }, 'usage.read')).toMatchObject({ code: 'show.forbidden' })
  expect(admin(caller, 'no.such')).toMatchObject({ code: 'show.forbidden' })
})

test('a key with scopes may do less than its caller, never more', async () => {
  const { authorize } = await gateOf('p, role:dev, payments, session.read, session/*, allow')
  const asked = (scopes: readonly string[]) =>
    authorize({ ...requestOf('sessions.list', undefined), caller: callerOf({ ...caller, scopes }) })
  expect(asked(['session.*'])).toMatchObject({ rules: ['policy.csv:1'] })
  expect(asked(['*'])).toMatchObject({ rules: ['policy.csv:1'] })
  expect(asked(['agent.*'])).toMatchObject({
    code: 'authorize.denied',
    rule: 'directory.yaml key key (scopes agent.*)',
  })
  expect(
    authorize({ ...requestOf('agents.list', undefined), caller: callerOf({ ...caller, scopes: ['*'] }) }),
  ).toMatchObject({ code: 'authorize.denied' })
})
