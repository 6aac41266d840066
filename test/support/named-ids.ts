// Every place of a request where the id of an object that belongs to somebody can stand, by operation: bodies, and what
// else the API reads. Held against the table of operations and the SDK's declarations, so that no place is forgotten.
import type { OwnedKind } from '../../src/upstream/owned-kinds.ts'

/** One place: a body (or header) that names this id there. */
export type IdPlace = {
  readonly kind: OwnedKind
  readonly body?: (id: string) => object
  readonly header?: string
}

const run = { agent: 'agent_own', environment_id: 'environment_own' }
const place = (kind: OwnedKind, body: (id: string) => object): IdPlace => ({ kind, body })
const image = (id: string) => ({ type: 'image', source: { type: 'file', file_id: id } })
const document = (id: string) => ({ type: 'document', source: { type: 'content', content: [image(id)] } })
const says = (content: object) => ({ type: 'user.message', content: [content] })

/** Events that may hand something over, as a list of bodies' `events` or `initial_events`. */
const eventPlaces = (around: (events: readonly object[]) => object): readonly IdPlace[] => [
  place('file', (id) => around([says(image(id))])),
  place('file', (id) => around([says(document(id))])),
  place('file', (id) => around([says({ type: 'container_upload', file_id: id })])),
  place('file', (id) =>
    around([{ type: 'user.custom_tool_result', custom_tool_use_id: 'event_1', content: [image(id)] }]),
  ),
  place('file', (id) => around([{ type: 'user.tool_result', tool_use_id: 'event_1', content: [image(id)] }])),
  place('file', (id) =>
    around([{ type: 'user.define_outcome', description: 'd', rubric: { type: 'file', file_id: id } }]),
  ),
]

const agentForms: readonly ((id: string) => unknown)[] = [
  (id) => id,
  (id) => ({ type: 'agent', id }),
  (id) => ({ type: 'agent', id, version: 1 }),
  (id) => ({ type: 'agent_with_overrides', id, version: 1, system: 'x' }),
]

const skillPlaces = (around: (skills: readonly object[]) => object): readonly IdPlace[] => [
  place('skill', (id) => around([{ type: 'custom', skill_id: id }])),
  place('skill', (id) => around([{ type: 'custom', skill_id: id, version: 'latest' }])),
  place('skill', (id) => around([{ type: 'custom', skill_id: id, version: '1' }])),
]

const rosterPlaces = (around: (multiagent: object) => object): readonly IdPlace[] =>
  agentForms.slice(0, 3).flatMap((form) => [
    place('agent', (id) => around({ type: 'coordinator', agents: [{ type: 'self' }, form(id)] })),
    place('agent', (id) =>
      around({
        type: 'multiagent_20261001',
        subagents: { type: 'enabled', predefined_agents: [form(id)] },
        workflows: { type: 'disabled' },
      }),
    ),
    place('agent', (id) =>
      around({
        type: 'multiagent_20261001',
        subagents: { type: 'disabled' },
        workflows: { type: 'enabled', predefined_agents: [form(id)] },
      }),
    ),
    place('agent', (id) => around({ type: 'coordinator', agents: [{ type: 'agent_of_tomorrow', id }] })),
  ])

const resource = {
  file: (id: string) => ({ type: 'file', file_id: id }),
  memory: (id: string) => ({ type: 'memory_store', memory_store_id: id, access: 'read_only' }),
  unknownFile: (id: string) => ({ type: 'mount_of_tomorrow', file_id: id }),
}

const runPlaces = (more: object): readonly IdPlace[] => [
  ...agentForms.map((form) => place('agent', (id) => ({ ...run, ...more, agent: form(id) }))),
  ...skillPlaces((skills) => ({
    ...run,
    ...more,
    agent: { type: 'agent_with_overrides', id: 'agent_own', version: 1, skills },
  })),
  ...rosterPlaces((multiagent) => ({
    ...run,
    ...more,
    agent: { type: 'agent_with_overrides', id: 'agent_own', version: 1, multiagent },
  })),
  place('environment', (id) => ({ ...run, ...more, environment_id: id })),
  place('vault', (id) => ({ ...run, ...more, vault_ids: ['vault_own', id] })),
  place('file', (id) => ({ ...run, ...more, resources: [resource.file(id)] })),
  place('memory_store', (id) => ({ ...run, ...more, resources: [resource.memory(id)] })),
  place('file', (id) => ({ ...run, ...more, resources: [resource.unknownFile(id)] })),
  ...eventPlaces((initial_events) => ({ ...run, ...more, initial_events })),
]

const agentPlaces = (more: object): readonly IdPlace[] => [
  ...skillPlaces((skills) => ({ ...more, skills })),
  ...rosterPlaces((multiagent) => ({ ...more, multiagent })),
]

const message = { model: 'claude-sonnet-5-5', max_tokens: 9 }
const turn = (content: object) => ({ ...message, messages: [{ role: 'user', content: [content] }] })
const messagePlaces = (around: (body: object) => object): readonly IdPlace[] => [
  ...skillPlaces((skills) => around({ ...message, messages: [], container: { skills } })),
  place('file', (id) => around(turn(image(id)))),
  place('file', (id) => around(turn(document(id)))),
  place('file', (id) => around(turn({ type: 'container_upload', file_id: id }))),
  place('file', (id) => around(turn({ type: 'tool_result', tool_use_id: 't', content: [image(id)] }))),
]
const billed: IdPlace = { kind: 'user_profile', header: 'anthropic-user-profile-id' }

const dream = (store: string, session: string) => ({
  model: 'claude-opus-4-8',
  inputs: [
    { type: 'memory_store', memory_store_id: store },
    { type: 'sessions', session_ids: ['session_own', session] },
  ],
})

/** Operation id -> its places beside the path and the query. An operation that reads none says so. */
export const idPlaces: { readonly [operationId: string]: readonly IdPlace[] } = {
  'agents.create': agentPlaces({ name: 'x', model: 'claude-sonnet-5-5' }),
  'agents.update': agentPlaces({ version: 1 }),
  'environments.create': [],
  'environments.update': [],
  'environments.work.update': [],
  'environments.work.stop': [],
  'sessions.create': runPlaces({}),
  'sessions.update': [
    place('vault', (id) => ({ vault_ids: [id] })),
    place('environment', (id) => ({ environment_id: id })),
    place('agent', (id) => ({ agent: { type: 'agent', id } })),
    ...skillPlaces((skills) => ({ agent: { skills } })),
    ...rosterPlaces((multiagent) => ({ agent: { multiagent } })),
  ],
  'sessions.events.send': eventPlaces((events) => ({ events })),
  'sessions.resources.add': [
    place('file', resource.file),
    place('memory_store', resource.memory),
    place('file', resource.unknownFile),
  ],
  'sessions.resources.update': [],
  'deployments.create': runPlaces({ name: 'd' }),
  'deployments.update': runPlaces({}),
  'dreams.create': [
    place('memory_store', (id) => dream(id, 'session_own')),
    place('session', (id) => dream('memory_store_own', id)),
    place('memory_store', (id) => ({
      ...dream('memory_store_own', 'session_own'),
      output_behavior: { type: 'update_existing', memory_store_id: id },
    })),
  ],
  'vaults.create': [],
  'vaults.update': [],
  'vaults.credentials.create': [],
  'vaults.credentials.update': [],
  'memory_stores.create': [],
  'memory_stores.update': [],
  'memory_stores.memories.create': [],
  'memory_stores.memories.update': [],
  'messages.create': [...messagePlaces((body) => body), billed],
  'messages.count_tokens': [...messagePlaces((body) => body), billed],
  'messages.batches.create': [
    ...messagePlaces((params) => ({ requests: [{ custom_id: 'one', params }] })),
    billed,
  ],
  'user_profiles.create': [],
  'user_profiles.update': [],
  'user_profiles.action_urls.create': [],
  'tunnels.create': [],
  'tunnels.certificates.create': [],
}

/** Members of bodies that name objects of ours: an operation with one of them has a place for it above. */
export const namingMembers: ReadonlyMap<string, OwnedKind> = new Map<string, OwnedKind>([
  ['agent', 'agent'],
  ['environment_id', 'environment'],
  ['vault_ids', 'vault'],
  ['resources', 'file'],
  ['initial_events', 'file'],
  ['events', 'file'],
  ['file_id', 'file'],
  ['skills', 'skill'],
  ['multiagent', 'agent'],
  ['inputs', 'session'],
  ['output_behavior', 'memory_store'],
  ['messages', 'file'],
  ['requests', 'file'],
  ['user_profile_id', 'user_profile'],
])

/** Members that name nothing that belongs to a team: plain values, and what is judged by other words. */
export const plainMembers: ReadonlySet<string> = new Set(
  (
    'access_type action auth authorization_token billing_policy budget ca_certificate_pem cache_control compaction ' +
    'config content context_management description diagnostics display_name execution_identity external_id ' +
    'external_user_details external_user_onboarded_at fallback_credit_token fallbacks force inference_geo ' +
    'instructions max_tokens mcp_servers metadata model mount_path name output_config output_format path ' +
    'precondition schedule scope service_tier speed stop_sequences stream system thinking title tool_choice tools ' +
    'type version view ' +
    // A container and a conversation of messages: nothing lists or answers them by id, so they belong to nobody here.
    'container thread'
  ).split(' '),
)
