// How a request names an agent: the forms the upstream accepts, read from the parsed body.
// What is in none of them is unreadable, not guessed.

import { lookalikeOf } from '../upstream/lookalike.ts'

export type AgentReference = {
  readonly kind: 'reference'
  readonly id: string
  /** Members beside type, id and version on `agent_with_overrides`: each replaces a part of the version. */
  readonly overrides: readonly string[]
}

/** `why` is for the developer who sent it. */
export type UnreadableReference = { readonly kind: 'unreadable'; readonly why: string }

const plainId = /^[A-Za-z0-9_-]{1,128}$/
const overridable: ReadonlySet<string> = new Set([
  ...['model', 'system', 'tools', 'mcp_servers', 'skills', 'multiagent'],
])
const ownMembers: ReadonlySet<string> = new Set(['type', 'id', 'version'])

/**
 * Reads the member `agent` of a request's JSON object; null when it has none.
 * A key that differs from a known one only in case is unreadable: a lenient parser may take one for the other.
 */
export function readAgentReference(parsed: object): AgentReference | UnreadableReference | null {
  const lookalike = lookalikeOf(parsed, new Set(['agent']))
  if (lookalike !== null) return unreadable(`the key \`${lookalike}\` is too close to \`agent\``)
  const agent = ownValue(parsed, 'agent')
  if (agent === undefined) return null
  if (typeof agent === 'string') return readId(agent, [])
  if (typeof agent !== 'object' || agent === null || Array.isArray(agent)) {
    return unreadable('`agent` is neither an id nor an object')
  }
  return readObject(agent)
}

function readObject(agent: object): AgentReference | UnreadableReference {
  const lookalike = lookalikeOf(agent, ownMembers)
  if (lookalike !== null)
    return unreadable(`the key \`${lookalike}\` in \`agent\` is too close to a known one`)
  const type = ownValue(agent, 'type')
  if (type !== 'agent' && type !== 'agent_with_overrides') {
    return unreadable('`agent.type` is not `agent` or `agent_with_overrides`')
  }
  const others = Object.keys(agent).filter((key) => !ownMembers.has(key))
  // A plain reference has none; if somebody reads them all the same, they are overrides.
  const isOverride = (key: string): boolean => type === 'agent_with_overrides' || overridable.has(key)
  return readId(ownValue(agent, 'id'), others.filter(isOverride))
}

function readId(id: unknown, overrides: readonly string[]): AgentReference | UnreadableReference {
  if (typeof id !== 'string' || !plainId.test(id)) return unreadable('the agent id is not a plain id')
  return { kind: 'reference', id, overrides }
}

function unreadable(why: string): UnreadableReference {
  return { kind: 'unreadable', why }
}

/** An own member's value; never one inherited, whatever the body calls its keys. */
export function ownValue(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value
}
