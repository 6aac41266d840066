// What a session says it runs, by the same hash as a saved version: a roster in it is whole, so it is taken apart again.
import { canonicalJson } from '../kernel/canonical-json.ts'
import { hashAgent } from './config-hash.ts'
import { isObject, member, textMember } from './json-values.ts'
import type { AgentVersion } from './rule.ts'

/** `sha256:<hex>` of what a session says it runs, by the same words as a saved version's; '' when it cannot be told. */
export function hashSnapshot(snapshot: unknown): string {
  const owner = asVersion(snapshot)
  if (owner === null) return ''
  try {
    return hashOf(owner)
  } catch {
    // What no JSON can hold has no hash.
    return ''
  }
}

function hashOf(owner: AgentVersion): string {
  const ownText = textOf(owner)
  // By name and content: a member that says something else in its second place is another one.
  const members = new Map<string, AgentVersion>()
  const collapse = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(collapse)
    if (!isObject(value)) return value
    const own = asVersion(value)
    if (own === null)
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, collapse(part)]))
    const text = textOf(own)
    if (text !== ownText) members.set(`${own.id}@${own.version}\n${text}`, own)
    return { type: 'agent', id: own.id, version: own.version }
  }
  const config = { ...owner.config, multiagent: collapse(owner.config['multiagent']) ?? null }
  const inOrder = [...members].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, each]) => each)
  return hashAgent({ agent: { ...owner, config }, members: inOrder })
}

/** All but its roster, which is said once. */
const textOf = ({ config }: AgentVersion): string => canonicalJson({ ...config, multiagent: null })

function asVersion(value: unknown): AgentVersion | null {
  const [id, version] = [textMember(value, 'id'), member(value, 'version')]
  if (!isObject(value) || id === undefined || typeof version !== 'number') return null
  return { id, version, config: value }
}
