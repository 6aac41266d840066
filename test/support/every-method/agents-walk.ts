// Every method of agents, environments and their work queue.
import { collect, type Stage, seatId, startAgent, three } from './stage.ts'

const page = { limit: 1 }

export async function walkAgents({ client }: Stage): Promise<void> {
  const { agents } = client.beta
  const model = 'claude-sonnet-5-5'
  const [plain, full, roster] = await three((name) => agents.create({ name, model }))
  await agents.update(full.id, {
    version: full.version,
    model: { id: 'claude-opus-5', speed: 'fast' },
    system: 'be kind',
    description: 'has everything',
    metadata: { team: 'search' },
    mcp_servers: [{ type: 'url', name: 'docs', url: 'https://mcp.example.com/mcp' }],
    tools: [
      {
        type: 'agent_toolset_20260401',
        default_config: { enabled: true, permission_policy: { type: 'always_ask' } },
        configs: [{ name: 'bash', enabled: false, permission_policy: { type: 'auto' } }],
      },
      { type: 'mcp_toolset', mcp_server_name: 'docs' },
      {
        type: 'custom',
        name: 'look',
        description: 'looks',
        input_schema: { type: 'object', properties: {} },
      },
    ],
    skills: [{ type: 'anthropic', skill_id: 'xlsx' }],
  })
  await agents.update(roster.id, {
    version: roster.version,
    multiagent: {
      type: 'coordinator',
      agents: [plain.id, { type: 'agent', id: full.id, version: 1 }, { type: 'self' }],
    },
  })
  for (const { id } of [plain, full, roster]) await agents.retrieve(id)
  await agents.retrieve(full.id, { version: 1 })
  for (const system of ['second', 'third']) await agents.update(plain.id, { system })
  await collect(agents.list(page))
  await collect(agents.versions.list(plain.id, page))
  await agents.archive(plain.id)
  await collect(agents.list({ include_archived: true }))
}

export async function walkEnvironments({ client }: Stage): Promise<void> {
  const { environments } = client.beta
  const [first, second] = await three((name) => environments.create({ name }))
  const tight = await environments.create({
    name: 'tight',
    description: 'little is allowed',
    metadata: { team: 'search' },
    config: {
      type: 'cloud',
      networking: { type: 'limited', allowed_hosts: ['api.example.com'], allow_package_managers: true },
      packages: { npm: ['zod@4'], pip: ['numpy'] },
    },
  })
  await environments.create({ name: 'own', config: { type: 'self_hosted' } })
  await environments.update(first.id, { description: 'changed' })
  await environments.retrieve(tight.id)
  await collect(environments.list(page))
  await environments.archive(first.id)
  await environments.delete(second.id)
}

/** What the operator of a self-hosted environment may, and what only its worker. */
export async function walkWork(stage: Stage): Promise<void> {
  const { agent } = await startAgent(stage)
  const operator = stage.client.beta.environments.work
  const worker = stage.worker.beta.environments.work
  const seat = { environment_id: seatId }
  await worker.poll(seatId)
  await three((title) =>
    stage.client.beta.sessions.create({ agent: agent.id, environment_id: seatId, title }),
  )
  const item = await worker.poll(seatId, { 'Anthropic-Worker-ID': 'worker-1' })
  const id = item?.id ?? ''
  await worker.ack(id, seat)
  await worker.heartbeat(id, { ...seat, expected_last_heartbeat: 'NO_HEARTBEAT', desired_ttl_seconds: 60 })
  await operator.stats(seatId)
  await operator.update(id, { ...seat, metadata: { note: 'seen' } })
  await collect(worker.list(seatId, page))
  await operator.stop(id, { ...seat, force: true })
  await operator.retrieve(id, seat)
}
