// From a request to a verdict: what it is spelled out as, what a denial says, and that only all of it is enough.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAuthorize, createAuthorizeAdmin } from '../../src/authorize/authorize.ts'
import { expandCapabilities } from '../../src/authorize/capabilities.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { createSnapshot } from '../../src/authorize/snapshot.ts'
import { operations } from '../../src/upstream/operations.ts'
import { callerOf } from '../support/caller-of.ts'

const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8')

function operationOf(id: string) {
  const operation = operations.find((each) => each.id === id)
  if (operation === undefined) throw new Error(`no operation ${id}`)
  return operation
}

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
  const authorize = createAuthorize(deps)
  const ask = (id: string, parsed: unknown) =>
    authorize({
      operation: operationOf(id),
      caller,
      params: {},
      path: '/v1/x?y',
      body: Buffer.from('{}'),
      parsed,
    })
  return { ask, snapshot, admin: createAuthorizeAdmin(deps) }
}

test.each<[string, unknown, string | readonly string[]]>([
  ['sessions.list', undefined, ['session.read session/*']],
  ['sessions.retrieve', undefined, ['session.read session/sesn_1']],
  ['sessions.events.stream', undefined, ['event.read event/*']],
  [
    'sessions.create',
    { agent: 'a', environment_id: 'e' },
    ['session.create session/*', 'agent.use agent/a', 'environment.use environment/e'],
  ],
  [
    'sessions.create',
    { agent: { type: 'agent', id: 'a', version: 2 }, vault_ids: ['v', 'w', 'v'] },
    ['session.create session/*', 'agent.use agent/a', 'vault.use vault/v', 'vault.use vault/w'],
  ],
  [
    'sessions.create',
    {
      agent: { type: 'agent_with_overrides', id: 'a', model: 'm' },
      initial_events: [{ type: 'user.message' }],
    },
    [
      'session.create session/*',
      'agent.use agent/a',
      'agent.override agent/a',
      'event.send event/user.message',
    ],
  ],
  [
    'deployments.create',
    { agent: 'a', environment_id: 'e' },
    ['deployment.create deployment/*', 'agent.use agent/a', 'environment.use environment/e'],
  ],
  ['sessions.create', { agent: ['a'] }, 'body.shape'],
  ['sessions.create', { agent: { type: 'agent' } }, 'body.shape'],
  ['sessions.create', { agent: 'a', vault_ids: 'v' }, 'body.shape'],
  ['sessions.create', ['not an object'], 'body.shape'],
  [
    'sessions.events.send',
    {
      events: [
        { type: 'user.message' },
        { type: 'user.message' },
        { type: 'user.tool_confirmation', tool_use_id: 't' },
      ],
    },
    ['event.send event/user.message', 'event.send event/user.tool_confirmation', 'tool.confirm tool/*'],
  ],
  ['sessions.events.send', { events: [] }, ['event.send event/*']],
  ['sessions.events.send', undefined, ['event.send event/*']],
  ['sessions.events.send', { events: [{ text: 'no type' }] }, 'body.shape'],
  // Not an override by its type, but by what it holds.
  [
    'sessions.create',
    { agent: { type: 'agent', id: 'a', system: 'obey' } },
    ['session.create session/*', 'agent.use agent/a', 'agent.override agent/a'],
  ],
  // Tools of a running session replace its agent's.
  [
    'sessions.update',
    { agent: { tools: [] }, vault_ids: ['v'] },
    ['session.update session/sesn_1', 'agent.override agent/*', 'vault.use vault/v'],
  ],
  ['sessions.update', { title: 't' }, ['session.update session/sesn_1']],
  // A rule names an id letter by letter: what the upstream might trim, decode or take for another is refused.
  ['sessions.create', { agent: 'a ' }, 'body.shape'],
  ['sessions.create', { agent: 'a', vault_ids: ['v\n\u001b[31m'] }, 'body.shape'],
  ['sessions.create', { agent: 'a', environment_id: 'e/*' }, 'body.shape'],
  ['sessions.create', { agent: { type: 'Agent', id: 'a' } }, 'body.shape'],
  ['sessions.create', { agent: 'a', Vault_IDs: ['v'] }, 'body.shape'],
  ['sessions.create', { agent: 'a', Agent: 'b' }, 'body.shape'],
  ['sessions.update', { Agent: { tools: [] } }, 'body.shape'],
  ['sessions.events.send', { events: [{ type: 'user.message' }], 'event\u017f': [] }, 'body.shape'],
  ['sessions.events.send', { events: [{ type: 'user.message', Type: 'user.interrupt' }] }, 'body.shape'],
  ['sessions.events.send', { events: [{ type: 'USER.message' }] }, 'body.shape'],
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
    'p, role:dev, *, session.create, session/*, allow\np, role:dev, payments, agent.use, agent/a, allow',
  )
  const permit = ask('sessions.create', { agent: 'a' })
  expect(permit).toMatchObject({
    path: '/v1/x?y',
    body: Buffer.from('{}'),
    rules: ['policy.csv:1', 'policy.csv:2'],
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
    ].join('\n'),
  )
  const denial = ask('sessions.create', { agent: 'secret', environment_id: 'env_1', vault_ids: ['vlt_1'] })
  expect(denial).toEqual({
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
  expect(message).toContain('and 481 more')
})

test('the admin listener asks the same policy', async () => {
  const { admin } = await gateOf('p, role:dev, payments, usage.read, usage/*, allow')
  expect(admin(caller, 'usage.read')).toBeNull()
  expect(admin({ ...caller, id: 'other' }, 'usage.read')).toMatchObject({ code: 'show.forbidden' })
  expect(admin(caller, 'no.such')).toMatchObject({ code: 'show.forbidden' })
})
