// What outlives a run and reaches into others: credentials, memories, and the dreams that rewrite memories
// (SDK 1.12.0 resources/beta/vaults, memory-stores, dreams).
import { hostName, hostOfUrl } from './addresses.ts'
import { type Fields, fieldsOf, flagOf, idOf, isAbsent, isObject, listOf, wordOf } from './fields.ts'
import { addUnknown, type Gathering } from './gathering.ts'
import { addSpeed, modelName } from './models.ts'
import { addMemory } from './resources.ts'

const credentialNames = new Set(['auth'])
const authNames = new Set(['type', 'mcp_server_url', 'refresh', 'networking', 'injection_location'])
const refreshNames = new Set(['token_endpoint'])
const networkNames = new Set(['type', 'allowed_hosts'])
const placeNames = new Set(['body', 'header'])

/** vaults.credentials.create and .update: the vault changed, and the hosts the secret would be sent to. */
export function addCredential(to: Gathering, body: unknown, vaultId: string, isNew: boolean): void {
  to.add('vault.fill', 'vault', vaultId)
  const { auth } = fieldsOf(body, 'body', credentialNames)
  if (isAbsent(auth)) return
  const fields = fieldsOf(auth, 'auth', authNames)
  const type = wordOf(fields['type'], 'auth.type')
  if (type === 'environment_variable') addVariable(to, fields, isNew)
  else if (type !== 'mcp_oauth' && type !== 'static_bearer') addUnknown(to, 'auth.type', type)
  if (!isAbsent(fields['mcp_server_url'])) {
    to.add('secret.send', 'host', hostOfUrl(fields['mcp_server_url'], 'auth.mcp_server_url'))
  }
  if (isAbsent(fields['refresh'])) return
  const refresh = fieldsOf(fields['refresh'], 'auth.refresh', refreshNames)
  if (isAbsent(refresh['token_endpoint'])) return
  to.add('secret.send', 'host', hostOfUrl(refresh['token_endpoint'], 'auth.refresh.token_endpoint'))
}

function addVariable(to: Gathering, fields: Fields, isNew: boolean): void {
  const { networking, injection_location } = fields
  // An update that leaves it out keeps it; null might not.
  if (isNew || networking !== undefined) addHosts(to, networking)
  if (!isNew && injection_location === undefined) return
  const at = 'auth.injection_location'
  const places = isAbsent(injection_location) ? {} : fieldsOf(injection_location, at, placeNames)
  // Which places there are by default is not written anywhere.
  if (flagOf(places['body'], `${at}.body`, isNew)) to.add('secret.inject', 'place', 'body')
}

function addHosts(to: Gathering, networking: unknown): void {
  const at = 'auth.networking'
  const fields = isAbsent(networking) ? {} : fieldsOf(networking, at, networkNames)
  const type = isAbsent(networking) ? 'unrestricted' : wordOf(fields['type'], `${at}.type`)
  if (type !== 'limited') {
    if (type !== 'unrestricted') addUnknown(to, 'auth.networking.type', type)
    to.add('secret.send', 'host', '*')
    return
  }
  for (const [index, host] of listOf(fields['allowed_hosts'], `${at}.allowed_hosts`).entries()) {
    to.add('secret.send', 'host', hostName(host, `${at}.allowed_hosts.${index}`))
  }
}

const dreamNames = new Set(['model', 'inputs', 'output_behavior'])
const dreamModelNames = new Set(['id', 'speed'])
const inputNames = new Set(['type', 'memory_store_id', 'session_ids'])

/** dreams.create: the model that reads, whose sessions and memories it reads, and where it writes. */
export function addDream(to: Gathering, body: unknown): void {
  const { model, inputs, output_behavior } = fieldsOf(body, 'body', dreamNames)
  if (isObject(model)) {
    const fields = fieldsOf(model, 'model', dreamModelNames)
    const name = modelName(fields['id'], 'model.id')
    to.add('model.use', 'model', name)
    addSpeed(to, name, fields['speed'], 'model.speed')
  } else if (!isAbsent(model)) to.add('model.use', 'model', modelName(model, 'model'))
  if (!isAbsent(inputs)) {
    for (const [index, input] of listOf(inputs, 'inputs').entries()) addInput(to, input, `inputs.${index}`)
  }
  addOutput(to, output_behavior)
}

function addInput(to: Gathering, input: unknown, at: string): void {
  const fields = fieldsOf(input, at, inputNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (type !== 'memory_store' && type !== 'sessions') addUnknown(to, 'inputs.type', type)
  if (type === 'memory_store' || !isAbsent(fields['memory_store_id'])) {
    addMemory(to, fields['memory_store_id'], 'read_only', at)
  }
  if (type !== 'sessions' && isAbsent(fields['session_ids'])) return
  for (const [index, id] of listOf(fields['session_ids'], `${at}.session_ids`).entries()) {
    to.add('session.read', 'session', idOf(id, `${at}.session_ids.${index}`))
  }
}

/** A new store unless it is said otherwise. */
function addOutput(to: Gathering, behavior: unknown): void {
  const at = 'output_behavior'
  const fields = isAbsent(behavior) ? {} : fieldsOf(behavior, at, inputNames)
  const type = isAbsent(behavior) ? 'create_new' : wordOf(fields['type'], `${at}.type`)
  if (type === 'update_existing') addMemory(to, fields['memory_store_id'], 'read_write', at)
  else if (type === 'create_new') to.add('memory_store.create', 'memory_store', '*')
  else addUnknown(to, 'output_behavior.type', type)
}
