// What counts as known, against its authority: the SDK's own declarations. And what is counted.
import { expect, test } from 'vitest'
import { knownRequestFields } from '../../src/upstream/known-request-fields.ts'
import {
  knownBetas,
  knownEventFields,
  knownEventTypes,
  knownSessionFields,
  knownStatuses,
  knownStopReasons,
  knownThreadFields,
} from '../../src/upstream/known-words.ts'
import { operations } from '../../src/upstream/operations.ts'
import { inspectAnswer, inspectRequest, type UnknownKind } from '../../src/upstream/unknowns.ts'
import { openDeclarations } from '../support/sdk/declarations.ts'
import { type TypeView, typeNamed, viewOf } from '../support/sdk/type-view.ts'

const declared = (file: string, name: string): TypeView =>
  typeNamed(openDeclarations(`resources/${file}`), name)

/** The members of an object, or of all the objects of a union. */
function fieldsOf(view: TypeView): readonly string[] {
  if (view.kind === 'union') return [...new Set(view.options.flatMap((option) => fieldsOf(viewOf(option))))]
  return view.kind === 'object' ? [...view.properties.keys()] : []
}

/** The strings that a type allows, or that a member of it does. */
function wordsOf(view: TypeView, member?: string): readonly string[] {
  if (view.kind === 'union') return view.options.flatMap((option) => wordsOf(viewOf(option), member))
  if (member === undefined) return view.kind === 'literal' ? [String(view.value)] : []
  if (view.kind !== 'object') return []
  const property = view.properties.get(member)
  return property === undefined ? [] : wordsOf(viewOf(property.type))
}

const sorted = (words: Iterable<string>): readonly string[] => [...words].toSorted()
const events = declared('beta/sessions/events', 'BetaManagedAgentsStreamSessionEvents')

test('the known words are those of the SDK', () => {
  const session = declared('beta/sessions/sessions', 'BetaManagedAgentsSession')
  const thread = declared('beta/sessions/threads/threads', 'BetaManagedAgentsSessionThread')
  expect(sorted(knownEventTypes)).toEqual(sorted(wordsOf(events, 'type')))
  expect(sorted(knownEventFields)).toEqual(sorted(fieldsOf(events)))
  expect(sorted(knownSessionFields)).toEqual(sorted(fieldsOf(session)))
  expect(sorted(knownThreadFields)).toEqual(sorted(fieldsOf(thread)))
  expect(sorted(knownStatuses)).toEqual(
    sorted(new Set([...wordsOf(session, 'status'), ...wordsOf(thread, 'status')])),
  )
  const betas = wordsOf(declared('beta/beta', 'AnthropicBeta'))
  expect(betas.length).toBeGreaterThan(50)
  expect(betas.filter((beta) => !knownBetas.has(beta))).toEqual([])
})

test('the known stop reasons are those of an idle session', () => {
  const idle = declared('beta/sessions/events', 'BetaManagedAgentsSessionStatusIdleEvent')
  if (idle.kind !== 'object') throw new Error('an interface expected')
  const reason = idle.properties.get('stop_reason')
  if (reason === undefined) throw new Error('it has no stop_reason')
  expect(sorted(wordsOf(viewOf(reason.type), 'type'))).toEqual(sorted(knownStopReasons))
})

const paramsOf: { readonly [operationId: string]: readonly (readonly [file: string, name: string])[] } = {
  'agents.create': [['beta/agents/agents', 'AgentCreateParams']],
  'agents.update': [['beta/agents/agents', 'AgentUpdateParams']],
  'environments.create': [['beta/environments/environments', 'EnvironmentCreateParams']],
  'environments.update': [['beta/environments/environments', 'EnvironmentUpdateParams']],
  'environments.work.update': [['beta/environments/work', 'WorkUpdateParams']],
  'environments.work.stop': [['beta/environments/work', 'WorkStopParams']],
  'sessions.create': [['beta/sessions/sessions', 'SessionCreateParams']],
  'sessions.update': [['beta/sessions/sessions', 'SessionUpdateParams']],
  'sessions.events.send': [['beta/sessions/events', 'EventSendParams']],
  'sessions.resources.add': [['beta/sessions/resources', 'ResourceAddParams']],
  'sessions.resources.update': [['beta/sessions/resources', 'ResourceUpdateParams']],
  'deployments.create': [['beta/deployments', 'DeploymentCreateParams']],
  'deployments.update': [['beta/deployments', 'DeploymentUpdateParams']],
  'dreams.create': [['beta/dreams', 'DreamCreateParams']],
  'vaults.create': [['beta/vaults/vaults', 'VaultCreateParams']],
  'vaults.update': [['beta/vaults/vaults', 'VaultUpdateParams']],
  'vaults.credentials.create': [['beta/vaults/credentials', 'CredentialCreateParams']],
  'vaults.credentials.update': [['beta/vaults/credentials', 'CredentialUpdateParams']],
  'memory_stores.create': [['beta/memory-stores/memory-stores', 'MemoryStoreCreateParams']],
  'memory_stores.update': [['beta/memory-stores/memory-stores', 'MemoryStoreUpdateParams']],
  'memory_stores.memories.create': [['beta/memory-stores/memories', 'MemoryCreateParams']],
  'memory_stores.memories.update': [['beta/memory-stores/memories', 'MemoryUpdateParams']],
  'messages.create': [
    ['beta/messages/messages', 'MessageCreateParams'],
    ['messages/messages', 'MessageCreateParams'],
  ],
  'messages.count_tokens': [
    ['beta/messages/messages', 'MessageCountTokensParams'],
    ['messages/messages', 'MessageCountTokensParams'],
  ],
  'messages.batches.create': [['beta/messages/batches', 'BatchCreateParams']],
  'user_profiles.create': [['beta/user-profiles/user-profiles', 'UserProfileCreateParams']],
  'user_profiles.update': [['beta/user-profiles/user-profiles', 'UserProfileUpdateParams']],
  'user_profiles.action_urls.create': [['beta/user-profiles/action-urls', 'ActionURLCreateParams']],
  'tunnels.create': [['beta/tunnels/tunnels', 'TunnelCreateParams']],
  'tunnels.certificates.create': [['beta/tunnels/certificates', 'CertificateCreateParams']],
}

test.each(
  operations.filter(({ body }) => body === 'json').map((operation) => [operation.id, operation] as const),
)('the known members of %s are those of the SDK', (id, { pattern }) => {
  const all = (paramsOf[id] ?? []).flatMap(([file, name]) => fieldsOf(declared(file, name)))
  // The SDK sends these as headers, and path parameters as the path.
  const elsewhere = new Set([
    'betas',
    'workspace_id',
    ...[...pattern.matchAll(/:([a-z_]+)/g)].map(([, name = '']) => name),
  ])
  const wanted = new Set(all.filter((name) => !elsewhere.has(name)))
  expect(sorted(knownRequestFields.get(id) ?? [])).toEqual(sorted(wanted))
})

const noted = (act: (note: (kind: UnknownKind) => void) => void): readonly UnknownKind[] => {
  const kinds: UnknownKind[] = []
  act((kind) => kinds.push(kind))
  return kinds
}

test('a request of known words counts nothing, and each unknown one counts once', () => {
  const known = {
    agent: 'agent_1',
    environment_id: 'env_1',
    initial_events: [{ type: 'user.message', content: [] }],
  }
  const headers = { 'anthropic-beta': 'managed-agents-2026-04-01', 'anthropic-version': '2023-06-01' }
  expect(noted((note) => inspectRequest('sessions.create', headers, known, note))).toEqual([])
  const body = { ...known, colour: 'red', events: [{ type: 'user.wave', hand: 'left' }] }
  const newer = { 'anthropic-beta': 'a-2027-01-01, b-2027-01-01', 'anthropic-version': '2027-01-01' }
  expect(noted((note) => inspectRequest('sessions.create', newer, body, note))).toEqual([
    ...['beta', 'beta', 'version', 'field', 'field', 'event_type', 'field'],
  ])
})

test.each([null, 1, 'x', [], [[]], { data: null }, { data: [null, 1, []] }])(
  'nothing breaks over %j',
  (body) => {
    for (const shape of ['event', 'session', 'thread'] as const) {
      expect(() => inspectAnswer(shape, body, () => {})).not.toThrow()
    }
    expect(() => inspectRequest('sessions.events.send', {}, body, () => {})).not.toThrow()
  },
)
