// What a request would do, spelled out: not only "create a session" but also "with this agent, in this environment,
// with these vaults". Every one of these pairs must be allowed. Pure: it reads the judged body and nothing else.
import type { Denial } from '../kernel/errors.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { addAgentBody, addDefinition, agentNames } from './capabilities/agents.ts'
import { addEnvironment, addEnvironmentUpdate } from './capabilities/environments.ts'
import type { ToolNameOf } from './capabilities/events.ts'
import { fieldsOf, UnreadableField } from './capabilities/fields.ts'
import { createGathering, type Gathering } from './capabilities/gathering.ts'
import { addBatch, addMessage } from './capabilities/messages.ts'
import { addResource } from './capabilities/resources.ts'
import {
  addDeployment,
  addDeploymentUpdate,
  addSentEvents,
  addSession,
  addSessionUpdate,
} from './capabilities/runs.ts'
import { addCredential, addDream } from './capabilities/stores.ts'
import type { Capability } from './permit.ts'

export type CapabilityRequest = {
  readonly operation: Operation
  /** Path parameters by name. */
  readonly params: { readonly [name: string]: string }
  /** The parsed body, after pinning; undefined when there is none or it streams. */
  readonly parsed: unknown
  /** Which tool a call that waits for a person asks to run, for confirmations; without it every tool is meant. */
  readonly toolNameOf?: ToolNameOf
}

/**
 * The operation's own pair first, then what its body hands out, without repetition. What this version does not know
 * is a pair of its own, `unknown.use`; what cannot be read is a denial that names the field: guessing would mean
 * judging something else than what runs.
 */
export function expandCapabilities(request: CapabilityRequest): readonly Capability[] | Denial {
  const { operation, params, parsed } = request
  const handOut = handOuts[operation.id]
  const id = operation.objectParam === undefined ? '*' : (params[operation.objectParam] ?? '*')
  const own: Capability = { action: operation.action, object: `${operation.resource}/${id}` }
  if (handOut === undefined) return [own]
  const gathering = createGathering()
  // Sending is judged per event type; with types at hand `event/*` would ask for more than the request does.
  if (operation.action !== 'event.send') gathering.add(operation.action, operation.resource, id)
  const unreadable = gatherInto(gathering, (to) => handOut(to, parsed ?? {}, request))
  if (unreadable !== null) return { kind: 'denial', code: 'body.shape', message: unreadable, rule: '' }
  const found = gathering.all()
  return found.length > 0 ? found : [own]
}

/**
 * What a saved agent version carries, from the upstream's own agent object, or any part of one in the form of a
 * request. A denial names the field that cannot be judged.
 */
export function expandAgent(agent: unknown): readonly Capability[] | Denial {
  const gathering = createGathering()
  const unreadable = gatherInto(gathering, (to) =>
    addDefinition(to, fieldsOf(agent, 'agent', agentNames), ''),
  )
  if (unreadable === null) return gathering.all()
  return { kind: 'denial', code: 'authorize.denied', message: unreadable, rule: '' }
}

/** Null when everything could be read; else the sentence that says what could not. */
function gatherInto(gathering: Gathering, gather: (to: Gathering) => void): string | null {
  try {
    gather(gathering)
    return null
  } catch (error) {
    if (error instanceof UnreadableField) return error.message
    throw error
  }
}

type HandOut = (to: Gathering, body: unknown, request: CapabilityRequest) => void

const paramOf = ({ params }: CapabilityRequest, name: string): string => params[name] ?? '*'
const changesVault: HandOut = (to, _body, request) =>
  to.add('vault.fill', 'vault', paramOf(request, 'vault_id'))
const changesMemory: HandOut = (to, _body, request) =>
  to.add('memory_store.write', 'memory_store', paramOf(request, 'memory_store_id'))
const saysMessage: HandOut = (to, body) => addMessage(to, body)

/** Operations that hand out more than their own pair, by operation id. */
const handOuts: { readonly [operationId: string]: HandOut | undefined } = {
  'sessions.create': addSession,
  'sessions.update': addSessionUpdate,
  'sessions.events.send': (to, body, { toolNameOf }) => addSentEvents(to, body, toolNameOf),
  'sessions.resources.add': (to, body) => addResource(to, body, 'body'),
  'deployments.create': (to, body) => addDeployment(to, body, '*'),
  'deployments.update': (to, body, request) =>
    addDeploymentUpdate(to, body, paramOf(request, 'deployment_id')),
  'agents.create': addAgentBody,
  'agents.update': addAgentBody,
  'environments.create': addEnvironment,
  'environments.update': (to, body, request) =>
    addEnvironmentUpdate(to, body, paramOf(request, 'environment_id')),
  'vaults.credentials.create': (to, body, request) =>
    addCredential(to, body, paramOf(request, 'vault_id'), true),
  'vaults.credentials.update': (to, body, request) =>
    addCredential(to, body, paramOf(request, 'vault_id'), false),
  'vaults.credentials.delete': changesVault,
  'vaults.credentials.archive': changesVault,
  'memory_stores.memories.create': changesMemory,
  'memory_stores.memories.update': changesMemory,
  'memory_stores.memories.delete': changesMemory,
  'memory_stores.memory_versions.redact': changesMemory,
  'dreams.create': addDream,
  'messages.create': saysMessage,
  'messages.count_tokens': saysMessage,
  'messages.batches.create': addBatch,
}
