// The ways to run a sensitive agent otherwise than approved without naming it in `agent`: as a member of another
// agent's roster, or by new tools for a session that already runs.
import { lookalikeOf } from '../upstream/lookalike.ts'
import { ownValue } from './agent-reference.ts'
import { type PinEntry, type Pins, strictest } from './pins-file.ts'

/** What may not pass, and which entry says so. `why` is for the developer who sent it. */
export type IndirectRun = { readonly entry: PinEntry; readonly why: string }

/** Names under which a body replaces what an agent's version says (SDK 1.12.0 resources/beta/sessions, agents). */
const updateKeys: ReadonlySet<string> = new Set(['agent'])
const rosterKeys: ReadonlySet<string> = new Set(['multiagent'])

/**
 * `sessions.update` with `agent` replaces tools and MCP servers of a running session. The request does not say which
 * agent that session runs, so it is refused as soon as anything is sensitive. Null when there is nothing to refuse.
 */
export function findSessionOverride(pins: Pins, team: string, parsed: object): IndirectRun | null {
  if (!Object.hasOwn(parsed, 'agent') && lookalikeOf(parsed, updateKeys) === null) return null
  const entries = [pins.teams.get(team), ...pins.environments.values(), ...pins.agents.values()]
  const [first, ...rest] = entries.filter((entry) => entry !== undefined)
  if (first === undefined) return null
  const why =
    'a running session may run a sensitive agent, whose tools and MCP servers are those approved; leave `agent` out'
  return { entry: rest.reduce<PinEntry>(strictest, first), why }
}

/**
 * A roster (`multiagent` of an agent) that names a sensitive agent without an approved version. The upstream fixes
 * the version when the agent is saved, so this is the moment to look. Null when there is nothing to refuse.
 */
export function findRosterRun(pins: Pins, parsed: object): IndirectRun | null {
  if (pins.agents.size === 0) return null
  const lookalike = lookalikeOf(parsed, rosterKeys)
  const roster = lookalike === null ? ownValue(parsed, 'multiagent') : ownValue(parsed, lookalike)
  return roster === undefined ? null : findIn(pins, roster)
}

/** Any text that is a sensitive agent's id, wherever in the roster it stands; its nesting was bounded when it was read. */
function findIn(pins: Pins, value: unknown): IndirectRun | null {
  if (typeof value === 'string') return unapproved(pins, value, undefined)
  if (typeof value !== 'object' || value === null) return null
  const id = Array.isArray(value) ? undefined : ownValue(value, 'id')
  if (typeof id === 'string') {
    const found = unapproved(pins, id, ownValue(value, 'version'))
    if (found !== null) return found
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'id' && typeof inner === 'string') continue
    const found = findIn(pins, inner)
    if (found !== null) return found
  }
  return null
}

function unapproved(pins: Pins, id: string, version: unknown): IndirectRun | null {
  const entry = pins.agents.get(id)
  if (entry === undefined) return null
  const approved = pins.approved.get(id) ?? []
  if (typeof version === 'number' && approved.includes(version)) return null
  const example = JSON.stringify({ type: 'agent', id, version: approved.at(-1) ?? 1 })
  const send = approved.length === 0 ? 'no version of it is approved' : `name it as ${example}`
  return {
    entry,
    why: `agent \`${id}\` is sensitive in a roster too, and needs an approved version; ${send}`,
  }
}
