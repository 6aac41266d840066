// What a request that goes up leaves open about versions, whether or not a class looks at it: a few words for the record,
// so that a report can tell afterwards what ran unpinned where nothing was required.
import { readAgentReference } from './agent-reference.ts'
import { isObject, member } from './json-values.ts'

export type Exposure = {
  /** The agent that is named; '' without one, or when it cannot be read. */
  readonly agentId: string
  /** `latest` or the version; '' without an agent. */
  readonly requested: string
  /** 0 for `latest`. */
  readonly version: number
  /**
   * Separated by blanks; '' when nothing is left open: `unpinned`, `repinned`, `overrides:model+system`,
   * `session_tools:tools+mcp_servers`, `environment_config`, `unreadable`.
   */
  readonly words: string
}

const none: Exposure = { agentId: '', requested: '', version: 0, words: '' }
const runs: ReadonlySet<string> = new Set(['sessions.create', 'deployments.create', 'deployments.update'])

/** Looks at the body as it goes up. Never throws, and reads no more than a few members. */
export function readExposure(operationId: string, parsed: unknown): Exposure {
  if (!isObject(parsed)) return none
  if (runs.has(operationId)) return readRun(operationId, parsed)
  if (operationId === 'sessions.update') {
    const agent = member(parsed, 'agent')
    const changed = ['tools', 'mcp_servers'].filter((key) => member(agent, key) !== undefined)
    return changed.length === 0 ? none : { ...none, words: `session_tools:${changed.join('+')}` }
  }
  const changesEnvironment = operationId === 'environments.update' && member(parsed, 'config') !== undefined
  return changesEnvironment ? { ...none, words: 'environment_config' } : none
}

/** The members that replace a part of the version; what else is there is for the upstream to refuse. */
const replaceable: ReadonlySet<string> = new Set([
  'model',
  'system',
  'tools',
  'mcp_servers',
  'skills',
  'multiagent',
])

function readRun(operationId: string, parsed: object): Exposure {
  const reference = readAgentReference(parsed)
  if (reference === null) return none
  if (reference.kind === 'unreadable') return { ...none, words: 'unreadable' }
  const version = member(member(parsed, 'agent'), 'version')
  const isNamed = typeof version === 'number' && Number.isSafeInteger(version) && version > 0
  const open = operationId === 'deployments.update' ? 'repinned' : 'unpinned'
  const replaced = reference.overrides.filter((key) => replaceable.has(key))
  return {
    agentId: reference.id,
    requested: isNamed ? String(version) : 'latest',
    version: isNamed ? Math.min(version, 4_294_967_295) : 0,
    words: [
      ...(isNamed ? [] : [open]),
      ...(replaced.length === 0 ? [] : [`overrides:${replaced.join('+')}`]),
    ].join(' '),
  }
}
