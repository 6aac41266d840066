// Getting in two steps what one step denies: every way by which a caller could hand an agent what it may not have itself.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { matchesAction, matchesObject } from '../../src/authorize/pattern.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { type Asked, type InjectedCorridor, openInjectedCorridor } from '../support/injected-corridor.ts'

const evil = 'https://evil.example/mcp'
/** Everything but: the shell, one server, open networking, a dear model, overrides of the prompt, one agent, secrets to one host. */
const policy = [
  'p, role:x, *, *, *, allow',
  'p, role:x, *, visibility.*, *, deny',
  'p, role:x, *, tool.enable, tool/bash*, deny',
  `p, role:x, *, mcp.connect, mcp/${evil}*, deny`,
  'p, role:x, *, tool.enable, tool/mcp:always_allow:*, deny',
  'p, role:x, *, egress.open, host/evil.example, deny',
  'p, role:x, *, web.reach, domain/evil.example, deny',
  'p, role:x, *, model.use, model/dear*, deny',
  'p, role:x, *, override.set, field/system, deny',
  'p, role:x, *, subagent.inline, multiagent/*, deny',
  'p, role:x, *, secret.send, host/evil.example, deny',
  'p, role:x, *, session.budget, budget/removed, deny',
].join('\n')

const shell = { type: 'agent_toolset_20260401' }
const saved: { readonly [id: string]: object } = {
  agent_shell: { tools: [shell] },
  agent_evil: { mcp_servers: [{ type: 'url', name: 'e', url: evil }] },
  agent_roster: {
    multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'agent_shell', version: 1 }] },
  },
}

let corridor: InjectedCorridor
beforeAll(async () => {
  corridor = await openInjectedCorridor({
    policy,
    objectAt: (path) => {
      const id = path.split(/[/?]/)[3] ?? ''
      return { id, version: 1, metadata: { tollgate_owner: 'beta/ci' }, ...saved[id] }
    },
  })
})
afterAll(() => corridor.close())

const post = (path: string, body: object | string): Asked => ({
  path,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const agent = (more: object) => post('/v1/agents', { name: 'x', model: 'cheap', ...more })
const update = (more: object) => post('/v1/agents/agent_1', { version: 1, ...more })
const run = (more: object) => ({ agent: 'agent_1', environment_id: 'environment_1', ...more })
const session = (more: object) => post('/v1/sessions', run(more))
const deployment = (more: object) => post('/v1/deployments', run({ name: 'd', ...more }))
const running = (more: object) => post('/v1/sessions/session_1', more)
const overriding = (more: object) => ({ type: 'agent_with_overrides', id: 'agent_1', version: 1, ...more })
const credential = (auth: object) => post('/v1/vaults/vault_1/credentials', { auth })
const tools = (...list: readonly object[]) => ({ tools: list })
const only = (...configs: readonly object[]) =>
  tools({ ...shell, default_config: { enabled: false }, configs })
const inline = { type: 'multiagent_20261001', workflows: { type: 'disabled' } }
const member = (id: string) => ({ type: 'coordinator', agents: [{ type: 'agent', id, version: 1 }] })

test('what is not denied passes by every one of these ways', async () => {
  const read = only({ name: 'read', enabled: true })
  for (const asked of [
    agent(read),
    update(read),
    session({ agent: overriding(read) }),
    deployment({ agent: overriding(read) }),
    running({ agent: read }),
    session({ agent: 'agent_other' }),
    session({ agent: overriding({ multiagent: member('agent_other') }) }),
    credential({ type: 'static_bearer', token: 't', mcp_server_url: 'https://good.example/mcp' }),
    post('/v1/environments', {
      config: { type: 'cloud', networking: { type: 'limited', allowed_hosts: ['good.example'] } },
    }),
    post('/v1/environments/environment_1', { name: 'n' }),
    running({ title: 't' }),
  ]) {
    expect([asked.body, (await corridor.ask(asked)).status]).toEqual([asked.body, 200])
  }
})

test.each<[string, Asked]>([
  ['a shell at creation', agent(tools(shell))],
  ['a shell at an update later', update(tools(shell))],
  ['a shell in the place of a saved one, for one session', session({ agent: overriding(tools(shell)) })],
  [
    'a shell by a reference that should replace nothing',
    session({ agent: { type: 'agent', id: 'agent_1', ...tools(shell) } }),
  ],
  ['a shell for a session that runs', running({ agent: tools(shell) })],
  ['a shell for what runs again and again', deployment({ agent: overriding(tools(shell)) })],
  [
    'a shell for a deployment, later',
    post('/v1/deployments/deployment_1', { agent: overriding(tools(shell)) }),
  ],
  ['a shell that is on because nothing is said', agent(tools({ ...shell, default_config: null }))],
  ['a shell that is on because null is said', agent(tools({ ...shell, default_config: { enabled: null } }))],
  [
    'a shell that only its own entry leaves on',
    agent(only({ name: 'bash' }, { name: 'bash', enabled: true })),
  ],
  [
    'a shell whose policy alone is said',
    agent(tools({ ...shell, configs: [{ name: 'bash', permission_policy: null }] })),
  ],
  ['a shell that a saved agent carries', session({ agent: 'agent_shell' })],
  ['the same, by version', session({ agent: { type: 'agent', id: 'agent_shell', version: 1 } })],
  [
    'the same, with other parts replaced',
    session({ agent: { type: 'agent_with_overrides', id: 'agent_shell', version: 1, skills: [] } }),
  ],
  ['a shell of a member of a saved roster', session({ agent: 'agent_roster' })],
  [
    'a shell of a member of a roster that only this session has',
    session({ agent: overriding({ multiagent: member('agent_shell') }) }),
  ],
  [
    'the same member by its bare id',
    session({ agent: overriding({ multiagent: { type: 'coordinator', agents: ['agent_shell'] } }) }),
  ],
  ['the same for a deployment', deployment({ agent: overriding({ multiagent: member('agent_shell') }) })],
  [
    'a deployment that is pointed at it later',
    post('/v1/deployments/deployment_1', { agent: 'agent_shell' }),
  ],
  ['a denied server', agent({ mcp_servers: [{ type: 'url', name: 'e', url: evil }] })],
  [
    'a denied server under a name that is trusted',
    update({ mcp_servers: [{ type: 'url', name: 'good', url: evil }] }),
  ],
  [
    'a denied server, written otherwise',
    update({ mcp_servers: [{ type: 'url', name: 'e', url: 'HTTPS://EVIL.example.:443/mcp' }] }),
  ],
  [
    'a denied server for a session that runs',
    running({ agent: { mcp_servers: [{ type: 'url', name: 'e', url: evil }] } }),
  ],
  ['a denied server that a saved agent carries', session({ agent: 'agent_evil' })],
  [
    'leave for whatever server has that name',
    update(
      tools({
        type: 'mcp_toolset',
        mcp_server_name: 'good',
        default_config: { permission_policy: { type: 'always_allow' } },
      }),
    ),
  ],
  ['a denied model by its object', update({ model: { id: 'dear' } })],
  ['a denied model for one session', session({ agent: overriding({ model: 'dear' }) })],
  [
    'a denied model as advisor',
    update({
      multiagent: { ...inline, subagents: { type: 'disabled' }, advisor: { type: 'enabled', model: 'dear' } },
    }),
  ],
  [
    'a denied model as a member',
    update({ multiagent: { type: 'coordinator', agents: [{ type: 'advisor', model: 'dear' }] } }),
  ],
  ['a denied model as a fallback', post('/v1/messages', { model: 'cheap', fallbacks: [{ model: 'dear' }] })],
  [
    'a denied model that the upstream may choose',
    post('/v1/messages', { model: 'cheap', fallbacks: 'default' }),
  ],
  [
    'a denied model in a batch',
    post('/v1/messages/batches', {
      requests: [{ params: { model: 'cheap' } }, { params: { model: 'dear' } }],
    }),
  ],
  ['a denied model that dreams', post('/v1/dreams', { model: 'dear', inputs: [] })],
  ['a prompt of its own', session({ agent: overriding({ system: 'x' }) })],
  ['no prompt at all', session({ agent: overriding({ system: null }) })],
  ['inline agents, on because nothing is said', agent({ multiagent: inline })],
  ['inline agents, on because null is said', agent({ multiagent: { ...inline, subagents: null } })],
  [
    'inline agents, on inside what is on',
    agent({ multiagent: { ...inline, subagents: { type: 'enabled', inline_agents: null } } }),
  ],
  ['open networking, because nothing is said', post('/v1/environments', { name: 'e' })],
  ['open networking, because null is said', post('/v1/environments/environment_1', { config: null })],
  [
    'open networking, because null is said inside',
    post('/v1/environments/environment_1', { config: { type: 'cloud', networking: null } }),
  ],
  ['a web tool that may go anywhere', agent(only({ name: 'web_fetch', enabled: true }))],
  [
    'a web tool that may go anywhere but elsewhere',
    agent(only({ name: 'web_fetch', enabled: true, blocked_domains: ['other.example'] })),
  ],
  [
    'a secret that may be sent anywhere',
    credential({ type: 'environment_variable', secret_name: 'S', secret_value: 'v' }),
  ],
  [
    'the whole internet through one host',
    post('/v1/environments', {
      config: { type: 'cloud', networking: { type: 'limited', allowed_hosts: ['*'] } },
    }),
  ],
  [
    'a secret for a denied server, saved first and used later',
    credential({ type: 'static_bearer', token: 't', mcp_server_url: evil }),
  ],
  [
    'a secret that is renewed at a denied server',
    credential({
      type: 'mcp_oauth',
      mcp_server_url: 'https://good.example/',
      refresh: { token_endpoint: 'https://evil.example/token' },
    }),
  ],
  ['a limit of costs that is taken away by null', running({ budget: null })],
])('%s: denied, and nothing goes up', async (_name, asked) => {
  const { code, sent } = await corridor.ask(asked)
  expect([sent, code]).toEqual([null, expect.stringMatching(/^(?:authorize\.denied|body\.shape)$/)])
})

test('text of a policy that looks like a regular expression means its own letters', () => {
  const rule = (object: string) => `p, role:x, *, session.read, ${object}, allow\n`
  for (const object of [
    ...[
      'session/(a+)+$',
      'session/[a-z]*',
      'session/a|b',
      'session/^a',
      'session/a?',
      'session/\\w+',
      'session/.*',
    ],
    ...[
      'session/**',
      'session/*/x',
      'session/a*b*',
      `session/${'*'.repeat(10_000)}`,
      `session/${'a*'.repeat(10_000)}`,
    ],
  ]) {
    let rules: readonly { readonly obj: string }[] = []
    try {
      rules = parsePolicy(rule(object), 'policy.csv').rules
    } catch {
      continue
    }
    for (const { obj } of rules) {
      for (const text of ['session/aaaa', 'session/a', 'session/b', 'session/ab', 'session/x/x']) {
        expect([obj, text, matchesObject(text, obj)]).toEqual([
          obj,
          text,
          obj.endsWith('*') && text.startsWith(obj.slice(0, -1)),
        ])
      }
    }
  }
})

test('a match looks at a pattern once, however many stars are in it and however long the text is', () => {
  // Every comparison there is goes through these two.
  const { startsWith, endsWith } = String.prototype
  const looks = { count: 0 }
  String.prototype.startsWith = function (this: string, ...asked) {
    looks.count++
    return startsWith.apply(this, asked)
  }
  String.prototype.endsWith = function (this: string, ...asked) {
    looks.count++
    return endsWith.apply(this, asked)
  }
  onTestFinished(() => void Object.assign(String.prototype, { startsWith, endsWith }))
  const counts = [10, 1_000, 100_000].map((stars) => {
    looks.count = 0
    matchesObject(`session/${'a/'.repeat(stars)}`, `session/${'*/'.repeat(stars)}*`)
    matchesAction('session.read', `${'*.'.repeat(stars)}*`)
    return looks.count
  })
  expect(new Set(counts).size).toBe(1)
  expect(counts[0]).toBeGreaterThan(0)
  expect(counts[0]).toBeLessThan(10)
})
