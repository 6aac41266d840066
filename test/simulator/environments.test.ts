// Environments of the stand-in upstream, as the unmodified SDK sees them.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { checkMcpReach } from '../../src/simulator/environments/mcp-reach.ts'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const { environments, agents, sessions } = client.beta
  return { clock, environments, agents, sessions }
}

/** What the upstream said when it refused. */
async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('it was not refused')
  return { status: error.status, code: error.errorCode ?? null, message: error.message }
}

const noPackages = { type: 'packages', apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] }

test('an environment is a cloud container with an open network unless it says otherwise', async () => {
  const { environments } = await house()
  const plain = await environments.create({ name: 'plain' })
  expect(plain).toEqual({
    id: expect.stringMatching(/^env_/),
    type: 'environment',
    name: 'plain',
    description: null,
    config: { type: 'cloud', networking: { type: 'unrestricted' }, packages: noPackages },
    metadata: {},
    scope: 'organization',
    created_at: '2026-12-01T00:00:00.000Z',
    updated_at: '2026-12-01T00:00:00.000Z',
    archived_at: null,
  })
  const own = await environments.create({ name: 'own', config: { type: 'self_hosted' }, description: '' })
  expect([own.config, own.description]).toEqual([{ type: 'self_hosted' }, ''])
  expect(await environments.retrieve(own.id)).toEqual(own)
})

test('an update keeps what it leaves out, at every depth, and null goes back to the default', async () => {
  const { environments, clock } = await house()
  const { id } = await environments.create({
    name: 'tight',
    description: 'first',
    metadata: { team: 'search', tier: 'gold', old: 'yes' },
    config: {
      type: 'cloud',
      networking: { type: 'limited', allowed_hosts: ['api.example.com'], allow_package_managers: true },
      packages: { npm: ['zod@4'], pip: ['numpy'] },
    },
  })
  clock.advance(1000)
  const renamed = await environments.update(id, {
    name: 'tighter',
    metadata: { tier: null, old: '', cost: '7' },
    config: { type: 'cloud', networking: { type: 'limited', allow_mcp_servers: true } },
  })
  expect(renamed).toMatchObject({
    name: 'tighter',
    description: 'first',
    metadata: { team: 'search', cost: '7' },
    updated_at: '2026-12-01T00:00:01.000Z',
    config: {
      networking: {
        type: 'limited',
        allowed_hosts: ['api.example.com'],
        allow_mcp_servers: true,
        allow_package_managers: true,
      },
      packages: { ...noPackages, npm: ['zod@4'], pip: ['numpy'] },
    },
  })
  const opened = await environments.update(id, {
    description: null,
    config: { type: 'cloud', networking: null, packages: { go: ['a'] } },
  })
  expect(opened.description).toBeNull()
  expect(opened.config).toEqual({
    type: 'cloud',
    networking: { type: 'unrestricted' },
    packages: { ...noPackages, go: ['a'] },
  })
})

test('what upstream refuses is refused with its error code and the field at fault', async () => {
  const { environments } = await house()
  const { id } = await environments.create({ name: 'cloud' })
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`key${at}`, 'x']))
  expect(await refusal(environments.update(id, { config: { type: 'self_hosted' } }))).toMatchObject({
    status: 400,
    code: 'invalid_config_type_change',
  })
  expect(await refusal(environments.create({ name: 'n', metadata: many }))).toMatchObject({
    status: 400,
    code: 'invalid_metadata',
  })
  expect(await refusal(environments.update(id, { metadata: { key: 'v'.repeat(513) } }))).toMatchObject({
    status: 400,
    code: 'invalid_metadata',
  })
  expect(await refusal(environments.create({ name: 'n', scope: 'account' }))).toMatchObject({ status: 400 })
  const packed = {
    type: 'cloud' as const,
    networking: { type: 'limited' as const },
    packages: { npm: ['a'] },
  }
  expect((await refusal(environments.create({ name: 'n', config: packed }))).message).toContain(
    'allow_package_managers',
  )
  const url = { type: 'limited' as const, allowed_hosts: ['https://example.com/path'] }
  const pasted = environments.create({ name: 'n', config: { type: 'cloud', networking: url } })
  expect((await refusal(pasted)).message).toContain('config.networking.allowed_hosts.0')
  expect(await refusal(environments.retrieve('env_none'))).toMatchObject({
    status: 404,
    code: 'environment_not_found',
  })
})

test('an archived environment is listed on request, cannot be changed, and stays archived once', async () => {
  const { environments, clock } = await house()
  const [kept, gone] = [await environments.create({ name: 'a' }), await environments.create({ name: 'b' })]
  const archived = await environments.archive(gone.id)
  clock.advance(1000)
  expect((await environments.archive(gone.id)).archived_at).toBe(archived.archived_at)
  expect(await refusal(environments.update(gone.id, { name: 'c' }))).toMatchObject({
    status: 400,
    code: 'environment_archived',
  })
  const idsOf = async (params: { include_archived?: boolean; limit: number }) => {
    const ids: string[] = []
    for await (const { id } of environments.list(params)) ids.push(id)
    return ids
  }
  expect(await idsOf({ limit: 1 })).toEqual([kept.id])
  expect(await idsOf({ limit: 1, include_archived: true })).toEqual([gone.id, kept.id])
  expect(await environments.delete(gone.id)).toEqual({ id: gone.id, type: 'environment_deleted' })
  expect(await refusal(environments.retrieve(gone.id))).toMatchObject({ status: 404 })
})

test('a list walks every page, also when environments are made and changed on the way', async () => {
  const { environments } = await house()
  const made: string[] = []
  for (let at = 0; at < 7; at += 1) made.push((await environments.create({ name: `n${at}` })).id)
  const seen: string[] = []
  for await (const { id } of environments.list({ limit: 2 })) {
    if (seen.length === 2) {
      await environments.create({ name: 'late' })
      await environments.update(id, { name: 'renamed' })
    }
    seen.push(id)
  }
  expect(seen).toEqual(made.toReversed())
})

test('a limited network refuses an agent, or a member of its roster, whose MCP host it does not let through', () => {
  const server = (url: string) => ({ type: 'url', name: 'tools', url })
  const reach = (networking: object, agent: object) => () =>
    checkMcpReach(
      {
        type: 'cloud',
        packages: { type: 'packages', apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] },
        networking: {
          type: 'limited',
          allowed_hosts: [],
          allow_mcp_servers: false,
          allow_package_managers: false,
          ...networking,
        },
      },
      agent,
    )
  const agent = { mcp_servers: [server('https://mcp.example.com/sse')] }
  const roster = { mcp_servers: [], multiagent: { type: 'coordinator', agents: [agent] } }
  for (const each of [agent, roster]) {
    expect(reach({}, each)).toThrow('mcp.example.com')
    expect(reach({ allowed_hosts: ['example.com'] }, each)).toThrow('mcp.example.com')
    expect(reach({ allowed_hosts: ['MCP.example.com'] }, each)).not.toThrow()
    expect(reach({ allowed_hosts: ['*.example.com'] }, each)).not.toThrow()
    expect(reach({ allow_mcp_servers: true }, each)).not.toThrow()
  }
  expect(reach({}, { mcp_servers: [], multiagent: null })).not.toThrow()
  expect(() => checkMcpReach({ type: 'self_hosted' }, agent)).not.toThrow()
})

test('a session is not made where its agent could not reach its MCP servers', async () => {
  const { environments, agents, sessions } = await house()
  const agent = await agents.create({
    name: 'helper',
    model: 'claude-sonnet-5-5',
    mcp_servers: [{ type: 'url', name: 'tools', url: 'https://mcp.example.com/sse' }],
    tools: [{ type: 'mcp_toolset', mcp_server_name: 'tools' }],
  })
  const { id } = await environments.create({
    name: 'tight',
    config: { type: 'cloud', networking: { type: 'limited' } },
  })
  const create = () => sessions.create({ agent: agent.id, environment_id: id })
  expect(await refusal(create())).toMatchObject({ status: 400 })
  const networking = { type: 'limited' as const, allow_mcp_servers: true }
  await environments.update(id, { config: { type: 'cloud', networking } })
  expect((await create()).environment_id).toBe(id)
})
