// What is mounted into a run: repositories, files, memories.
import { repositoryName } from './addresses.ts'
import { addFile } from './content.ts'
import { type Fields, fieldsOf, idOf, isAbsent, listOf, textOf, unreadable, wordOf } from './fields.ts'
import { addUnknown, asText, type Gathering } from './gathering.ts'

const resourceNames = new Set([
  ...[
    'type',
    'url',
    'checkout',
    'file_id',
    'memory_store_id',
    'access',
    'instructions',
    'authorization_token',
  ],
])
const checkoutNames = new Set(['type', 'name', 'sha'])

/** `resources` of sessions.create and deployments. */
export function addResources(to: Gathering, resources: unknown, at: string): void {
  if (isAbsent(resources)) return
  for (const [index, resource] of listOf(resources, at).entries()) addResource(to, resource, `${at}.${index}`)
}

/** One resource, as sessions.resources.add takes it too. */
export function addResource(to: Gathering, resource: unknown, at: string): void {
  const fields = fieldsOf(resource, at, resourceNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (type === 'github_repository') addRepository(to, fields, at)
  else if (type === 'file') {
    if (isAbsent(fields['file_id'])) unreadable(`${at}.file_id`)
    addFile(to, fields['file_id'], `${at}.file_id`)
  } else if (type === 'memory_store') {
    addMemory(to, fields['memory_store_id'], fields['access'], at)
  } else {
    addUnknown(to, 'resources.type', type)
    // Whatever it is: what it names must be what may be mounted.
    addFile(to, fields['file_id'], `${at}.file_id`)
    if (!isAbsent(fields['memory_store_id'])) {
      addMemory(to, fields['memory_store_id'], fields['access'], at)
    }
  }
}

function addRepository(to: Gathering, fields: Fields, at: string): void {
  const url = repositoryName(fields['url'], `${at}.url`)
  const checkout = fields['checkout']
  const { ref, isFixed } = isAbsent(checkout)
    ? { ref: 'default', isFixed: false }
    : readCheckout(to, fieldsOf(checkout, `${at}.checkout`, checkoutNames), `${at}.checkout`)
  to.add('repo.mount', 'repo', `${url}@${ref}`)
  if (!isFixed) to.add('repo.float', 'repo', url)
}

/** Only a whole commit hash names the same files for ever; a short one may be a branch's name. */
function readCheckout(to: Gathering, checkout: Fields, at: string): { ref: string; isFixed: boolean } {
  const type = wordOf(checkout['type'], `${at}.type`)
  if (type === 'commit') {
    const sha = textOf(checkout['sha'], `${at}.sha`)
    return { ref: `commit:${asText(sha)}`, isFixed: wholeHash.test(sha) }
  }
  if (type === 'branch') {
    return { ref: `branch:${asText(textOf(checkout['name'], `${at}.name`))}`, isFixed: false }
  }
  addUnknown(to, 'checkout.type', type)
  return { ref: 'unknown', isFixed: false }
}

const wholeHash = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i

/** A memory and what may be done to it: `read_write` unless it is said otherwise. */
export function addMemory(to: Gathering, id: unknown, access: unknown, at: string): void {
  const store = idOf(id, `${at}.memory_store_id`)
  const mode = isAbsent(access) ? 'read_write' : wordOf(access, `${at}.access`)
  if (mode !== 'read_write' && mode !== 'read_only') addUnknown(to, 'resources.access', mode)
  to.add('memory.attach', 'memory_store', `${store}:${mode === 'read_only' ? mode : 'read_write'}`)
  if (mode !== 'read_only') to.add('memory.alter', 'memory_store', store)
}
