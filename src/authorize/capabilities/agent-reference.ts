// How a request names an agent that exists: by id, by id and version, or with overrides.
import { type Fields, fieldsOf, idOf, isAbsent, isObject, unreadable, wordOf } from './fields.ts'
import { addUnknown, type Gathering } from './gathering.ts'

/** Members of a reference that replace parts of the version; `fields` is null for a bare id. */
export type Reference = {
  readonly id: string
  readonly overrides: readonly string[]
  readonly fields: Fields
}

const referenceNames = new Set([
  ...['type', 'id', 'version'],
  ...['model', 'system', 'tools', 'mcp_servers', 'skills', 'multiagent', 'execution_identity'],
])
const ownNames: ReadonlySet<string> = new Set(['type', 'id', 'version'])

/** Adds the use of the agent named, and that it floats when no version is; returns what was read. */
export function addReference(to: Gathering, agent: unknown, at: string): Reference {
  if (!isObject(agent)) {
    const id = idOf(agent, at)
    to.add('agent.use', 'agent', id)
    to.add('agent.float', 'agent', id)
    return { id, overrides: [], fields: {} }
  }
  const fields = fieldsOf(agent, at, referenceNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (type !== 'agent' && type !== 'agent_with_overrides') addUnknown(to, 'agent.type', type)
  const id = idOf(fields['id'], `${at}.id`)
  to.add('agent.use', 'agent', id)
  if (isFloating(fields['version'], `${at}.version`)) to.add('agent.float', 'agent', id)
  return { id, overrides: Object.keys(fields).filter((member) => !ownNames.has(member)), fields }
}

function isFloating(version: unknown, at: string): boolean {
  if (isAbsent(version)) return true
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) unreadable(at)
  return false
}
