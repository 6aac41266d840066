// The words a policy may use: every action Tollgate ever asks about, with the kind of object it is asked on.
// A rule with any other word could never match, so it is refused instead of doing nothing in silence.
import { operations } from '../upstream/operations.ts'

/** Actions that are not an operation of their own, but something a request does on its way. */
const implied = {
  /** Running this agent: a session or a deployment names it. */
  'agent.use': 'agent',
  /** Replacing parts of a versioned agent for one session (`agent_with_overrides`). */
  'agent.override': 'agent',
  /** Running inside this environment. */
  'environment.use': 'environment',
  /** Handing this vault's credentials to a session. */
  'vault.use': 'vault',
  /** Answering a tool call that waits for a person: `tool/<name>`, `tool/*` while the name is not known. */
  'tool.confirm': 'tool',
  /** Reading the ledger on the admin listener. */
  'usage.read': 'usage',
} as const

/** Action -> the kind before the `/` of its objects, e.g. `session.create` -> `session`. */
export const objectKindOf: ReadonlyMap<string, string> = new Map([
  ...operations.map(({ action, resource }): [string, string] => [action, resource]),
  ...Object.entries(implied),
])

/** The part of an action before its dot, which `resource.*` in a rule may name. */
export const actionGroups: ReadonlySet<string> = new Set([...objectKindOf.keys()].map(groupOf))

/** Every kind an object may be of. */
export const objectKinds: ReadonlySet<string> = new Set(objectKindOf.values())

/** `session.create` -> `session`. */
export function groupOf(action: string): string {
  return action.slice(0, action.indexOf('.'))
}
