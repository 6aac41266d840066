// Which agent version may run. A request that would start runs of a sensitive agent names an approved version,
// is rewritten to one, or is refused with the words to send instead. The upstream picks "latest" for nobody here.
import type { Caller } from '../identify/caller.ts'
import type { ErrorCode } from '../kernel/errors.ts'
import { lookalikeOf } from '../upstream/lookalike.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { type AgentReference, ownValue, readAgentReference } from './agent-reference.ts'
import { findRosterRun, findSessionOverride } from './indirect-runs.ts'
import type { PinOutcome } from './pin-outcome.ts'
import { type PinEntry, type Pins, strictest } from './pins-file.ts'
import { findReference, referenceTo, rewriteVersion } from './written-reference.ts'

export type PinRequest = {
  readonly operation: Operation
  readonly caller: Caller
  /** The bytes received; null when the operation has none. */
  readonly body: Buffer | null
  /** The same body as `readJsonBody` read it. */
  readonly parsed: unknown
}

export type Pin = (request: PinRequest) => PinOutcome

// The operations whose `agent` decides what will run. An update without it keeps what was decided before.
const pinned: ReadonlySet<string> = new Set(['sessions.create', 'deployments.create', 'deployments.update'])

/**
 * Decides on one request by the pins of this moment. `open` when nothing sensitive is named; `satisfied` when an
 * approved version is; `forced` with the body to send, which differs inside the value of `agent` only; `denied`
 * otherwise. What cannot be read is denied as soon as anything could be sensitive.
 */
export function createPin(deps: { readonly pins: () => Pins }): Pin {
  return ({ operation, caller, body, parsed }) => {
    const pins = deps.pins()
    if (isEmpty(pins) || body === null || typeof parsed !== 'object' || parsed === null) return open
    const indirect = findIndirectRun(operation.id, pins, caller.team, parsed)
    if (indirect !== null) return deny(indirect.code, indirect.entry, indirect.why)
    if (!pinned.has(operation.id)) return open
    const reference = readAgentReference(parsed)
    const environment = environmentEntry(pins, parsed)
    if (reference === null) return withoutReference(operation, parsed, environment)
    const around = strictestOf([pins.teams.get(caller.team), environment])
    if (reference.kind === 'unreadable') {
      const entry = around ?? [...pins.agents.values()][0]
      if (entry === undefined) return open
      return deny('pin.reference_unreadable', entry, `${reference.why}; send ${example}`)
    }
    const entry = strictestOf([pins.agents.get(reference.id), around])
    if (entry === undefined) return open
    return decide(entry, reference, pins.approved.get(reference.id) ?? [], body)
  }
}

const open: PinOutcome = { kind: 'open' }
function findIndirectRun(operationId: string, pins: Pins, team: string, parsed: object) {
  if (operationId === 'sessions.update') {
    const found = findSessionOverride(pins, team, parsed)
    return found === null ? null : ({ ...found, code: 'pin.overrides_refused' } as const)
  }
  if (operationId === 'agents.create' || operationId === 'agents.update') {
    const found = findRosterRun(pins, parsed)
    return found === null ? null : ({ ...found, code: 'pin.version_required' } as const)
  }
  return null
}

const environmentKey: ReadonlySet<string> = new Set(['environment_id'])
const example = '`"agent": {"type":"agent","id":"agent_…","version":1}`'

function decide(
  entry: PinEntry,
  reference: AgentReference,
  approved: readonly number[],
  body: Buffer,
): PinOutcome {
  const { id, overrides } = reference
  const newest = approved.at(-1)
  if (newest === undefined) {
    const ask = 'ask whoever reviews policies/pins.yaml to approve one'
    return deny(
      'pin.version_required',
      entry,
      `agent \`${id}\` is sensitive and has no approved version; ${ask}`,
    )
  }
  const send = `send \`"agent": ${referenceTo(id, newest)}\``
  if (overrides.length > 0) {
    const names = overrides.slice(0, 8).map((key) => `\`${key.slice(0, 64)}\``)
    const sentence = `agent \`${id}\` is sensitive and runs as approved, without overrides of ${names.join(', ')}`
    return deny('pin.overrides_refused', entry, `${sentence}; ${send}`)
  }
  const text = body.toString('utf8')
  const found = findReference(text)
  const { version, requested } = found
  const about = { agentId: id, requested, rule: entry.rule }
  if (version !== null && approved.includes(version)) return { kind: 'satisfied', ...about, version }
  if (entry.mode === 'require') {
    const asked = requested === 'latest' ? 'no version was named' : `\`${requested}\` is not approved`
    return deny(
      'pin.version_required',
      entry,
      `agent \`${id}\` needs an approved version and ${asked}; ${send}`,
    )
  }
  return { kind: 'forced', ...about, version: newest, body: rewriteVersion(body, text, found, id, newest) }
}

/** Without `agent` the upstream refuses a create; an update keeps a version that nobody here knows. */
function withoutReference(operation: Operation, parsed: object, entry: PinEntry | undefined): PinOutcome {
  const moves = Object.hasOwn(parsed, 'environment_id') || lookalikeOf(parsed, environmentKey) !== null
  if (operation.id !== 'deployments.update' || !moves || entry === undefined) return open
  const sentence = 'a deployment that changes its environment here must name its agent version too'
  return deny('pin.version_required', entry, `${sentence}; send ${example} with it`)
}

/** The entry of the environment named; the strictest of all when it cannot be read or is not said. */
function environmentEntry(pins: Pins, parsed: object): PinEntry | undefined {
  const id = ownValue(parsed, 'environment_id')
  const isReadable = typeof id === 'string' && lookalikeOf(parsed, environmentKey) === null
  return isReadable ? pins.environments.get(id) : strictestOf([...pins.environments.values()])
}

function strictestOf(entries: readonly (PinEntry | undefined)[]): PinEntry | undefined {
  return entries.reduce<PinEntry | undefined>(
    (decided, entry) => (entry === undefined ? decided : strictest(decided, entry)),
    undefined,
  )
}

function isEmpty({ agents, teams, environments }: Pins): boolean {
  return agents.size + teams.size + environments.size === 0
}

function deny(code: ErrorCode, { rule }: PinEntry, sentence: string): PinOutcome {
  return { kind: 'denied', denial: { kind: 'denial', code, message: `${sentence} (${rule})`, rule } }
}
