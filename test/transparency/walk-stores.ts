// A program that calls every operation on vaults, memory stores, deployments and dreams.
import type { Program } from '../support/twin-worlds.ts'
import { firstOf } from './walk-sessions.ts'

const hourMs = 3_600_000

export const walkVaults: Program = async (lane) => {
  const vault = await lane.call('vaults.create', {}, { body: { display_name: 'keys' } })
  const at = { vault_id: vault.id }
  await lane.call('vaults.update', at, { body: { metadata: { a: 'b' } } })
  await lane.call('vaults.retrieve', at)
  await lane.call('vaults.list')
  const auth = { type: 'mcp_oauth', access_token: 'secret-one', mcp_server_url: 'https://mcp.example/sse' }
  const credential = await lane.call('vaults.credentials.create', at, { body: { auth } })
  const one = { ...at, credential_id: credential.id }
  await lane.call('vaults.credentials.update', one, {
    body: { auth: { type: 'mcp_oauth', access_token: 'secret-two' } },
  })
  await lane.call('vaults.credentials.retrieve', one)
  await lane.call('vaults.credentials.list', at)
  await lane.call('vaults.credentials.mcp_oauth_validate', one)
  await lane.call('vaults.credentials.archive', one)
  await lane.call('vaults.credentials.delete', one)
  await lane.call('vaults.archive', at)
  await lane.call('vaults.delete', at)
}

export const walkMemory: Program = async (lane) => {
  const store = await lane.call('memory_stores.create', {}, { body: { name: 'Notes' } })
  const at = { memory_store_id: store.id }
  await lane.call('memory_stores.update', at, { body: { description: 'what we know' } })
  await lane.call('memory_stores.retrieve', at)
  await lane.call('memory_stores.list')
  const memory = await lane.call('memory_stores.memories.create', at, {
    body: { path: '/a/b.md', content: 'known\r\n\u0000' },
  })
  const one = { ...at, memory_id: memory.id }
  await lane.call('memory_stores.memories.update', one, { body: { content: 'known better' } })
  await lane.call('memory_stores.memories.retrieve', one)
  await lane.call('memory_stores.memories.list', at, { query: '?path_prefix=/a/&view=full' })
  await lane.call('memory_stores.memories.delete', one)
  const version = firstOf(await lane.call('memory_stores.memory_versions.list', at, { query: '?limit=3' }))
  const versionAt = { ...at, memory_version_id: version.id }
  await lane.call('memory_stores.memory_versions.retrieve', versionAt)
  await lane.call('memory_stores.memory_versions.redact', versionAt)
  await lane.call('memory_stores.archive', at)
  await lane.call('memory_stores.delete', at)
}

export const walkDeployments: Program = async (lane, { clock }) => {
  const agent = await lane.call('agents.create', {}, { body: { name: 'a', model: 'claude-sonnet-5-5' } })
  const environment = await lane.call('environments.create', {}, { body: { name: 'e' } })
  const deployment = await lane.call(
    'deployments.create',
    {},
    {
      body: {
        name: 'nightly',
        agent: { type: 'agent', id: agent.id, version: 1 },
        environment_id: environment.id,
        initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
        schedule: { type: 'cron', expression: '0 3 * * *', timezone: 'Europe/Berlin' },
      },
    },
  )
  const at = { deployment_id: deployment.id }
  await lane.call('deployments.pause', at)
  await lane.call('deployments.unpause', at)
  const run = await lane.call('deployments.run', at)
  clock.advance(48 * hourMs)
  await lane.call('deployment_runs.list', {}, { query: `?deployment_id=${deployment.id}` })
  await lane.call('deployment_runs.retrieve', { deployment_run_id: run.id })
  await lane.call('deployments.update', at, { body: { name: 'nightly two', schedule: null } })
  await lane.call('deployments.retrieve', at)
  await lane.call('deployments.list')
  await lane.call('deployments.archive', at)
}

export const walkDreams: Program = async (lane, { clock }) => {
  const betas = 'dreaming-2026-04-21'
  const agent = await lane.call('agents.create', {}, { body: { name: 'a', model: 'claude-sonnet-5-5' } })
  const environment = await lane.call('environments.create', {}, { body: { name: 'e' } })
  const store = await lane.call('memory_stores.create', {}, { body: { name: 'Notes' } })
  const session = await lane.call(
    'sessions.create',
    {},
    { body: { agent: agent.id, environment_id: environment.id } },
  )
  const inputs = [
    { type: 'memory_store', memory_store_id: store.id },
    { type: 'sessions', session_ids: [session.id] },
  ]
  const dream = await lane.call('dreams.create', {}, { betas, body: { model: 'claude-opus-4-8', inputs } })
  clock.advance(1)
  await lane.call('dreams.retrieve', { dream_id: dream.id }, { betas })
  await lane.call('dreams.list', {}, { betas, query: '?statuses[]=pending&statuses[]=running' })
  await lane.call('dreams.cancel', { dream_id: dream.id }, { betas })
  clock.advance(hourMs)
  await lane.call('dreams.archive', { dream_id: dream.id }, { betas })
}
