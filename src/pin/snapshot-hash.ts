// What a session says it runs, by the same hash as a saved version: a roster in it is whole, so it is taken apart again.
import { hashAgent } from './config-hash.ts'
import { isObject, member, textMember } from './json-values.ts'
import type { AgentVersion } from './rule.ts'

/** `sha256:<hex>` of what a session says it runs, by the same words as a saved version's; '' when it cannot be told. */
export function hashSnapshot(snapshot: unknown): string {
  const owner = asVersion(snapshot)
  if (owner === null) return ''
  const members = new Map<string, AgentVersion>()
  const collapse = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(collapse)
    if (!isObject(value)) return value
    const own = asVersion(value)
    if (own === null)
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, collapse(part)]))
    if (nameOf(own) !== nameOf(owner)) members.set(nameOf(own), own)
    return { type: 'agent', id: own.id, version: own.version }
  }
  const config = { ...owner.config, multiagent: collapse(owner.config['multiagent']) ?? null }
  const inOrder = [...members].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, each]) => each)
  try {
    return hashAgent({ agent: { ...owner, config }, members: inOrder })
  } catch {
    return ''
  }
}

function asVersion(value: unknown): AgentVersion | null {
  const [id, version] = [textMember(value, 'id'), member(value, 'version')]
  if (!isObject(value) || id === undefined || typeof version !== 'number') return null
  return { id, version, config: value }
}

const nameOf = ({ id, version }: AgentVersion): string => `${id}@${version}`
