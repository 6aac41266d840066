// Every method of vaults with credentials, and of memory stores with memories and their versions.
import { collect, type Stage, three } from './stage.ts'

const page = { limit: 1 }

const auths = [
  {
    type: 'mcp_oauth',
    mcp_server_url: 'https://mcp.example.com/mcp',
    access_token: 'SECRET-access',
    expires_at: '2126-12-01T01:00:00Z',
    refresh: {
      client_id: 'client',
      refresh_token: 'SECRET-refresh',
      token_endpoint: 'https://example.com/token',
      scope: 'read',
      token_endpoint_auth: { type: 'client_secret_post', client_secret: 'SECRET-client' },
    },
  },
  { type: 'static_bearer', mcp_server_url: 'https://other.example.com', token: 'SECRET-token' },
  {
    type: 'environment_variable',
    secret_name: 'API_KEY',
    secret_value: 'SECRET-value',
    networking: { type: 'limited', allowed_hosts: ['*.example.com'] },
  },
] as const

export async function walkVaults({ client }: Stage): Promise<void> {
  const { vaults } = client.beta
  const [first, second, third] = await three((display_name) => vaults.create({ display_name }))
  await vaults.update(first.id, { metadata: { user: 'u1' } })
  await vaults.retrieve(first.id)
  await collect(vaults.list(page))
  const own = { vault_id: first.id }
  for (const auth of auths) {
    const networking = auth.type === 'environment_variable' ? { ...auth.networking } : undefined
    const given = networking === undefined ? auth : { ...auth, networking: { type: 'unrestricted' as const } }
    const { id } = await vaults.credentials.create(first.id, { auth: Object(given), display_name: auth.type })
    await vaults.credentials.retrieve(id, own)
    await vaults.credentials.update(id, { ...own, display_name: 'renamed' })
    if (auth.type === 'mcp_oauth') await vaults.credentials.mcpOAuthValidate(id, own)
  }
  const [a, b] = await collect(vaults.credentials.list(first.id, page))
  await vaults.credentials.archive(a?.id ?? '', own)
  await vaults.credentials.delete(b?.id ?? '', own)
  await vaults.archive(second.id)
  await vaults.delete(third.id)
}

export async function walkMemoryStores({ client }: Stage): Promise<void> {
  const { memoryStores } = client.beta
  const [store, second, third] = await three((name) => memoryStores.create({ name, description: 'notes' }))
  await memoryStores.update(store.id, { metadata: { team: 'search' } })
  await memoryStores.retrieve(store.id)
  await collect(memoryStores.list(page))
  const { memories, memoryVersions } = memoryStores
  const own = { memory_store_id: store.id }
  const [memory, other] = await three((name) =>
    memories.create(store.id, { path: `/deep/${name}.md`, content: name }),
  )
  await memories.create(store.id, { path: '/top.md', content: 'top' })
  await memories.update(memory.id, { ...own, content: 'changed' })
  await memories.retrieve(memory.id, { ...own, view: 'full' })
  await collect(memories.list(store.id, { ...page, view: 'full' }))
  await collect(memories.list(store.id, { ...page, depth: 1 }))
  await memories.delete(other.id, own)
  await memoryVersions.redact(memory.memory_version_id, own)
  await memoryVersions.retrieve(memory.memory_version_id, own)
  await collect(memoryVersions.list(store.id, { ...page, view: 'full' }))
  await memoryStores.archive(second.id)
  await memoryStores.delete(third.id)
}
