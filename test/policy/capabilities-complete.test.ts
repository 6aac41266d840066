// Nothing is forgotten: whatever a body names, wherever it names it, is asked for; and every word asked for is one that
// a rule may use.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expandAgent, expandCapabilities } from '../../src/authorize/capabilities.ts'
import type { Capability } from '../../src/authorize/permit.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { objectKindOf } from '../../src/authorize/vocabulary.ts'
import { operations } from '../../src/upstream/operations.ts'
import { operationOf } from '../support/asked-of.ts'

// Names that stand for something handed out begin with `zz`, those that hand out nothing with `off`.
const name = fc.nat({ max: 99_999 }).map((at) => `zz${at}`)
const offName = fc.nat({ max: 99_999 }).map((at) => `off${at}`)
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.oneof(value, fc.constantFrom(null, undefined))
const list = <Value>(value: fc.Arbitrary<Value>) => fc.array(value, { maxLength: 4 })
const url = name.map((host) => `https://${host}.example.com/mcp`)

const policy = fc.constantFrom('always_allow', 'always_ask', 'auto').map((type) => ({ type }))
const setting = fc.record({ enabled: orNull(fc.constant(true)), permission_policy: orNull(policy) })
const toolConfig = fc.oneof(
  fc.record({ name, permission_policy: orNull(policy), enabled: fc.constant(true) }),
  fc.record({ name: offName, permission_policy: orNull(policy), enabled: fc.constant(false) }),
)
const builtIns = fc.record({
  type: fc.constant('agent_toolset_20260401'),
  default_config: orNull(setting),
  configs: list(toolConfig),
})
const custom = fc.record({ type: fc.constant('custom'), name })
const unknownTool = name.map((type) => ({ type }))
const mcp = url.chain((address) =>
  fc.record({
    server: fc.constant({ type: 'url', name: address, url: address }),
    toolset: fc.record({
      type: fc.constant('mcp_toolset'),
      mcp_server_name: fc.constant(address),
      default_config: orNull(setting),
      configs: list(toolConfig),
    }),
  }),
)
const model = fc.oneof(name, fc.record({ id: name, effort: maybe(name), inference_geo: orNull(name) }))
const skill = fc.record({
  type: fc.constantFrom('anthropic', 'custom'),
  skill_id: name,
  version: orNull(name),
})
const reference = fc.oneof(
  name,
  fc.record({ type: fc.constant('agent'), id: name, version: maybe(fc.integer({ min: 1 })) }),
)
const part = fc.oneof(
  fc.record({ type: fc.constant('enabled'), predefined_agents: orNull(list(reference)) }),
  fc.constant({ type: 'disabled' }),
)
const multiagent = fc.oneof(
  fc.record({
    type: fc.constant('coordinator'),
    agents: list(
      fc.oneof(
        reference,
        name.map((id) => ({ type: 'advisor', model: id })),
      ),
    ),
  }),
  fc.record({
    type: fc.constant('multiagent_20261001'),
    subagents: orNull(part),
    workflows: orNull(part),
    advisor: orNull(name.map((id) => ({ type: 'enabled', model: id }))),
  }),
)
const definition = fc
  .record({
    model,
    servers: fc.uniqueArray(mcp, { maxLength: 3, selector: ({ server }) => server.name }),
    tools: list(fc.oneof(builtIns, custom, unknownTool)),
    skills: orNull(list(skill)),
    multiagent: orNull(multiagent),
    execution_identity: orNull(
      name.map((id) => ({ type: 'aws_role', role_arn: `arn:aws:iam::1:role/${id}` })),
    ),
  })
  .map(({ servers, tools, ...rest }) => ({
    ...rest,
    tools: [...tools, ...servers.map(({ toolset }) => toolset)],
    mcp_servers: servers.map(({ server }) => server),
  }))
const resource = fc.oneof(
  fc.record({
    type: fc.constant('github_repository'),
    url: name.map((repo) => `https://github.com/acme/${repo}.git`),
    checkout: orNull(
      fc.oneof(
        name.map((branch) => ({ type: 'branch', name: branch })),
        name.map((sha) => ({ type: 'commit', sha })),
      ),
    ),
  }),
  fc.record({ type: fc.constant('file'), file_id: name }),
  fc.record({
    type: fc.constant('memory_store'),
    memory_store_id: name,
    access: orNull(fc.constant('read_only')),
  }),
)
const run = fc.record({
  agent: fc.oneof(
    reference,
    fc.tuple(definition, name).map(([agent, id]) => ({ ...agent, type: 'agent_with_overrides', id })),
  ),
  environment_id: name,
  vault_ids: list(name),
  resources: list(resource),
  initial_events: list(
    name.map((file_id) => ({
      type: 'user.message',
      content: [{ type: 'image', source: { type: 'file', file_id } }],
    })),
  ),
})

function expand(id: string, parsed: unknown): readonly Capability[] {
  const expanded = expandCapabilities({ operation: operationOf(id), params: {}, parsed })
  if ('kind' in expanded) throw new Error(`${expanded.message} in ${JSON.stringify(parsed)}`)
  return expanded
}

function expectAllNamed(body: unknown, capabilities: readonly Capability[]): void {
  const text = JSON.stringify(body)
  const objects = capabilities.map(({ object }) => object).join('\n')
  for (const [named] of text.matchAll(/zz\d+/g)) expect(objects).toMatch(new RegExp(`${named}(?!\\d)`))
  expect(objects).not.toContain('off')
  for (const { action, object } of capabilities) {
    expect(`${action} ${object}`.startsWith(`${action} ${objectKindOf.get(action)}/`)).toBe(true)
  }
}

test('whatever an agent is made of appears among what it asks for', () => {
  const property = fc.property(definition, (agent) => {
    for (const id of ['agents.create', 'agents.update']) expectAllNamed(agent, expand(id, agent))
    const carried = expandAgent(agent)
    if ('kind' in carried) throw new Error(carried.message)
    expectAllNamed(agent, carried)
  })
  fc.assert(property, { numRuns: 400 })
})

test('whatever a run is given appears among what it asks for', () => {
  const property = fc.property(run, (body) => {
    for (const id of ['sessions.create', 'deployments.create', 'deployments.update'])
      expectAllNamed(body, expand(id, body))
  })
  fc.assert(property, { numRuns: 400 })
})

const known = [
  ...[
    'type',
    'id',
    'name',
    'agent',
    'model',
    'tools',
    'configs',
    'default_config',
    'enabled',
    'permission_policy',
    'mcp_servers',
  ],
  ...[
    'url',
    'skills',
    'multiagent',
    'agents',
    'subagents',
    'config',
    'networking',
    'packages',
    'auth',
    'inputs',
    'resources',
  ],
  ...[
    'checkout',
    'events',
    'initial_events',
    'content',
    'source',
    'messages',
    'requests',
    'params',
    'budget',
    'container',
  ],
]
const types = [
  'agent',
  'custom',
  'mcp_toolset',
  'agent_toolset_20260401',
  'coordinator',
  'cloud',
  'limited',
  'user.message',
]
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(null, true, 1, '', '*', 'a b', 'zz', '__proto__', ...types),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...known, '__proto__', 'Type', 'constructor'), tie('value'), {
      maxKeys: 6,
    }),
  ),
})).value

test('any body at all is either spelled out in words a rule may use, or refused by the name of a field', () => {
  let spelledOut = 0
  const property = fc.property(fc.constantFrom(...operations), anything, (operation, body) => {
    const parsed: unknown = JSON.parse(JSON.stringify(body) ?? 'null')
    const expanded = expandCapabilities({ operation, params: {}, parsed })
    if ('kind' in expanded) {
      expect(expanded).toMatchObject({
        code: 'body.shape',
        message: expect.stringMatching(/^`[\w.]+` [\x20-\x7e]+$/),
      })
      return
    }
    if (expanded.length > 1) spelledOut += 1
    expect(expanded.length).toBeGreaterThan(0)
    for (const { action, object } of expanded) {
      expect(object.startsWith(`${objectKindOf.get(action)}/`)).toBe(true)
      // Every object can be named by a rule, letter by letter, but for those that mean all of a kind.
      const line = `p, role:a, *, ${action}, ${object}, allow`
      expect(() => parsePolicy(line, 'policy.csv')).not.toThrow()
    }
  })
  fc.assert(property, { numRuns: 3_000 })
  // A test in which everything is refused would prove nothing.
  expect(spelledOut).toBeGreaterThan(50)
})
