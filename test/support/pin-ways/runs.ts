// Ways 1 to 8 and 17 to 20: what a session or a deployment runs, and where.
import { message, model, of, prepareRun, swap, type Way } from './way.ts'

const sessions = () => '/v1/sessions'
const deployments = () => '/v1/deployments'
const sha = '89abcdef89abcdef89abcdef89abcdef89abcdef'
const tools = [{ type: 'agent_toolset_20260401' as const }]

const prepareSession: Way['prepare'] = async (client) => {
  const run = await prepareRun(client, { tools: [{ ...tools[0], default_config: { enabled: false } }] })
  const session = await client.beta.sessions.create({ agent: run.agent, environment_id: run.environment })
  return { ...run, session: session.id }
}

export const runWays: readonly Way[] = [
  {
    way: 1,
    requirement: 'explicit_version',
    about: 'a session of an agent by its id',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.sessions.create({ agent: of(made, 'agent'), environment_id: of(made, 'environment') }),
    path: sessions,
    forced: (sent, { agent }) => swap(sent, `"${agent}"`, `{"type":"agent","id":"${agent}","version":1}`),
  },
  {
    way: 2,
    requirement: 'explicit_version',
    about: 'a session of an agent by reference, without a version',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.sessions.create({
        agent: { type: 'agent', id: of(made, 'agent') },
        environment_id: of(made, 'environment'),
      }),
    path: sessions,
    forced: (sent, { agent }) => swap(sent, `"${agent}"`, `"${agent}","version":1`),
  },
  {
    way: 2,
    requirement: 'approved_version',
    about: 'a session of an approved agent, without a version',
    pins: ({ agent }) => `approved: { ${agent}: [1] }`,
    prepare: async (client) => {
      const run = await prepareRun(client)
      await client.beta.agents.update(run.agent, { system: 'saved a minute ago' })
      return run
    },
    send: (client, made) =>
      client.beta.sessions.create({
        agent: { type: 'agent', id: of(made, 'agent') },
        environment_id: of(made, 'environment'),
      }),
    path: sessions,
    forced: (sent, { agent }) => swap(sent, `"${agent}"`, `"${agent}","version":1`),
  },
  {
    way: 3,
    requirement: 'explicit_version',
    about: 'overrides over the latest version',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.sessions.create({
        agent: { type: 'agent_with_overrides', id: of(made, 'agent'), system: 'obey' },
        environment_id: of(made, 'environment'),
      }),
    path: sessions,
    forced: (sent) => swap(sent, '"system":"obey"', '"system":"obey","version":1'),
  },
  {
    way: 4,
    requirement: 'no_overrides',
    about: 'overrides over a version, which the answer still names',
    allow: ['model'],
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.sessions.create({
        agent: { type: 'agent_with_overrides', id: of(made, 'agent'), version: 1, system: 'obey', model },
        environment_id: of(made, 'environment'),
      }),
    path: sessions,
    forced: (sent) => swap(sent, ',"system":"obey"', ''),
  },
  {
    way: 5,
    requirement: 'override_keeps_geo',
    about: 'an override of the model, which drops its region',
    prepare: (client) => prepareRun(client, { model: { id: model, inference_geo: 'us' } }),
    send: (client, made) =>
      client.beta.sessions.create({
        agent: { type: 'agent_with_overrides', id: of(made, 'agent'), version: 1, model },
        environment_id: of(made, 'environment'),
      }),
    path: sessions,
    forced: (sent) => swap(sent, `"${model}"`, `{"id":"${model}","inference_geo":"us"}`),
  },
  {
    way: 6,
    requirement: 'session_tools',
    about: 'other tools for a running session, beside a title',
    prepare: prepareSession,
    send: (client, made) =>
      client.beta.sessions.update(of(made, 'session'), { title: 'mine', agent: { tools } }),
    path: ({ session }) => `/v1/sessions/${session}`,
    forced: () => '{"title":"mine"}',
  },
  {
    way: 6,
    requirement: 'session_tools',
    about: 'tools that widen, where narrowing ones are allowed, and nothing else',
    allow: ['narrowing'],
    prepare: prepareSession,
    send: (client, made) => client.beta.sessions.update(of(made, 'session'), { agent: { tools } }),
    path: ({ session }) => `/v1/sessions/${session}`,
    forced: null,
  },
  {
    way: 7,
    requirement: 'explicit_version',
    about: 'a deployment of an agent by its id',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.deployments.create({
        name: 'd',
        agent: of(made, 'agent'),
        environment_id: of(made, 'environment'),
        initial_events: [message],
      }),
    path: deployments,
    forced: (sent, { agent }) => swap(sent, `"${agent}"`, `{"type":"agent","id":"${agent}","version":1}`),
  },
  {
    way: 8,
    requirement: 'deployment_version',
    about: 'an update of a deployment that pins it to the latest',
    prepare: async (client) => {
      const run = await prepareRun(client)
      const deployment = await client.beta.deployments.create({
        name: 'd',
        agent: run.agent,
        environment_id: run.environment,
        initial_events: [message],
      })
      await client.beta.agents.update(run.agent, { system: 'saved a minute ago' })
      return { ...run, deployment: deployment.id }
    },
    send: (client, made) =>
      client.beta.deployments.update(of(made, 'deployment'), { name: 'e', agent: of(made, 'agent') }),
    path: ({ deployment }) => `/v1/deployments/${deployment}`,
    forced: (sent, { agent }) => swap(sent, `"${agent}"`, `{"type":"agent","id":"${agent}","version":1}`),
  },
  {
    way: 17,
    requirement: 'repository_commits',
    about: 'a repository at a branch',
    pins: () => `commits: { "https://github.com/acme/app": "${sha}" }`,
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.sessions.create({
        agent: of(made, 'agent'),
        environment_id: of(made, 'environment'),
        resources: [
          {
            type: 'github_repository',
            url: 'https://github.com/acme/app',
            checkout: { type: 'branch', name: 'main' },
          },
        ],
      }),
    path: sessions,
    forced: (sent) => swap(sent, '{"type":"branch","name":"main"}', `{"type":"commit","sha":"${sha}"}`),
  },
  {
    way: 17,
    requirement: 'repository_commits',
    about: 'a repository of a deployment that pins.yaml has no commit for',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.deployments.create({
        name: 'd',
        agent: of(made, 'agent'),
        environment_id: of(made, 'environment'),
        initial_events: [message],
        resources: [{ type: 'github_repository', url: 'https://github.com/acme/other' }],
      }),
    path: deployments,
    forced: null,
  },
  {
    way: 18,
    requirement: 'no_system_messages',
    about: 'a system message after a message',
    prepare: prepareSession,
    send: (client, made) =>
      client.beta.sessions.events.send(of(made, 'session'), {
        events: [message, { type: 'system.message', content: [{ type: 'text', text: 'obey' }] }],
      }),
    path: ({ session }) => `/v1/sessions/${session}/events`,
    forced: (sent) => swap(sent, ',{"type":"system.message","content":[{"type":"text","text":"obey"}]}', ''),
  },
  {
    way: 19,
    requirement: 'memory_read_only',
    about: 'a memory to write, with instructions',
    prepare: async (client) => ({
      ...(await prepareRun(client)),
      store: (await client.beta.memoryStores.create({ name: 'notes' })).id,
    }),
    send: (client, made) =>
      client.beta.sessions.create({
        agent: of(made, 'agent'),
        environment_id: of(made, 'environment'),
        resources: [{ type: 'memory_store', memory_store_id: of(made, 'store'), instructions: 'believe it' }],
      }),
    path: sessions,
    forced: (sent) => swap(sent, ',"instructions":"believe it"', ',"access":"read_only"'),
  },
  {
    way: 20,
    requirement: 'environment_unchanged',
    about: 'a session in an environment that was changed since its approval',
    pins: ({ environment }) =>
      `environments: { ${environment}: { config: "sha256:${'0'.repeat(64)}", by: ada, on: 2026-11-23 } }`,
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.sessions.create({ agent: of(made, 'agent'), environment_id: of(made, 'environment') }),
    path: sessions,
    forced: null,
  },
  {
    way: 20,
    requirement: 'environment_unchanged',
    about: 'an environment opened to the world, beside a new name',
    prepare: (client) => prepareRun(client),
    send: (client, made) =>
      client.beta.environments.update(of(made, 'environment'), {
        name: 'n',
        config: { type: 'cloud', networking: { type: 'unrestricted' } },
      }),
    path: ({ environment }) => `/v1/environments/${environment}`,
    forced: () => '{"name":"n"}',
  },
]
