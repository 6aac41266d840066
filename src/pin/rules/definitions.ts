// Every agent definition that a request writes or would run: its own body, overrides, the version it names, and that
// version's roster. What is written can be rewritten; a saved version is as it is.
import { readAgentReference } from '../agent-reference.ts'
import { resolveAgent } from '../config-hash.ts'
import { isObject, type JsonObject, member } from '../json-values.ts'
import type { AgentVersion, Edit, Examined, Finding, JsonPath, PinRule } from '../rule.ts'
import { fieldsAt, isAbsent, pathText, readably, unreadable } from './reading.ts'
import { versionAt } from './roster.ts'

export type Definition = {
  readonly fields: JsonObject
  /** Where the body writes it; null for a version that the upstream holds. */
  readonly at: JsonPath | null
  /** The saved version, as in `agent_x` 3; null for what the body writes. */
  readonly saved: Pick<AgentVersion, 'id' | 'version'> | null
  /** What the upstream holds of `multiagent` while the body updates the agent. */
  readonly storedMultiagent: unknown
}

/** The operations that write or run definitions. */
export const definitionOperations: ReadonlySet<string> = new Set([
  ...['agents.create', 'agents.update', 'sessions.create', 'sessions.update'],
  ...['deployments.create', 'deployments.update', 'deployments.run'],
])

/** A place in a definition that a rule objects to. */
export type Flaw = {
  /** Within the definition. */
  readonly path: JsonPath
  readonly requested: string
  readonly resolved: string
  /** `starts workflows`: what is wrong, after the place's name. */
  readonly what: string
  /** What to send or to save instead. */
  readonly instead: string
  /** With whole paths; null when no rewriting meets the requirement. */
  readonly edits: readonly Edit[] | null
}

/** Looks at one definition; `at` is the path of its members, empty for a saved one. */
export type FindFlaws = (
  definition: Definition,
  at: JsonPath,
  request: Examined,
  allow: ReadonlySet<string>,
) => readonly Flaw[] | Promise<readonly Flaw[]>

/** A rule over every definition of a request. In a saved version nothing is forced: the sentence says what to save. */
export function contentRule(
  requirement: PinRule['requirement'],
  ways: readonly number[],
  findFlaws: FindFlaws,
): PinRule {
  const examine: PinRule['examine'] = async (request, { allow }) => {
    const definitions = await findDefinitions(request)
    const names = new Set(allow)
    const found = await Promise.all(
      definitions.map(async (definition) => {
        const flaws = await findFlaws(definition, definition.at ?? [], request, names)
        return flaws.map((flaw) => asFinding(requirement, definition, flaw))
      }),
    )
    return found.flat()
  }
  return { requirement, ways, operations: definitionOperations, examine: readably(requirement, examine) }
}

function asFinding(requirement: PinRule['requirement'], { at, saved }: Definition, flaw: Flaw): Finding {
  const { requested, resolved, what, instead, path, edits } = flaw
  const place = `\`${pathText(path)}\``
  if (at !== null || saved === null) {
    return { requirement, path, requested, resolved, edits, sentence: `${place} ${what}; send ${instead}` }
  }
  const name = `agent \`${saved.id}\` version ${saved.version}`
  const sentence = `${place} of ${name} ${what}; save a version of it with ${instead}, and name that one`
  return { requirement, path: ['agent'], requested, resolved: '', edits: null, sentence }
}

type Found = readonly Definition[] | Promise<readonly Definition[]>

/** Several rules ask for the definitions of one request; they get the same ones. */
const remembered = new WeakMap<Examined, Found>()

/**
 * Every definition of the request, the body's first. Throws or rejects with `UnreadableValue` for an agent in no known
 * form, and with what the facts reject with.
 */
export function findDefinitions(request: Examined): Found {
  const before = remembered.get(request)
  if (before !== undefined) return before
  const found = read(request)
  remembered.set(request, found)
  return found
}

const agentNames = new Set(['model', 'system', 'tools', 'mcp_servers', 'skills', 'multiagent'])
const runNames = new Set(['agent'])
const referenceNames = new Set([...agentNames, 'type', 'id', 'version'])

function read(request: Examined): Found {
  const { operation, parsed } = request
  if (operation.id === 'agents.create') return [written(fieldsAt(parsed, [], agentNames), [], undefined)]
  if (operation.id === 'agents.update') return readUpdate(request)
  const { agent } = fieldsAt(parsed, [], runNames)
  if (isAbsent(agent)) return operation.id.startsWith('deployments.') ? readDeployed(request) : []
  if (operation.id === 'sessions.update')
    return [written(fieldsAt(agent, ['agent'], agentNames), ['agent'], undefined)]
  return readRun(request, agent)
}

const written = (fields: JsonObject, at: JsonPath, storedMultiagent: unknown): Definition => ({
  ...{ fields, at, saved: null, storedMultiagent },
})

/** Only a roster of this type keeps parts of what is stored, so only for it is the stored one asked for. */
async function readUpdate({ parsed, params, facts }: Examined): Promise<readonly Definition[]> {
  const fields = fieldsAt(parsed, [], agentNames)
  const keeps = member(fields['multiagent'], 'type') === 'multiagent_20261001'
  const stored = keeps ? await facts.agentVersion(params['agent_id'] ?? '', null) : null
  return [written(fields, [], stored?.config['multiagent'])]
}

async function readRun({ parsed, facts }: Examined, agent: unknown): Promise<readonly Definition[]> {
  const reference = readAgentReference(parsed)
  if (reference === null) return []
  if (reference.kind === 'unreadable') return unreadable(['agent'], `is not readable: ${reference.why}`)
  const body = isObject(agent)
    ? [written(fieldsAt(agent, ['agent'], referenceNames), ['agent'], undefined)]
    : []
  const version = versionAt(member(agent, 'version'), ['agent', 'version'])
  // Only where the upstream takes overrides at all do they stand for the saved value; null may stand for nothing.
  const isOverriding = member(agent, 'type') === 'agent_with_overrides'
  const replaced = isOverriding ? replaceable.filter((key) => !isAbsent(member(agent, key))) : []
  return [...body, ...(await readSaved(facts, reference.id, version, new Set(replaced)))]
}

/** What a deployment has already, which this run or update leaves it with. */
async function readDeployed({ params, facts }: Examined): Promise<readonly Definition[]> {
  const deployment = await facts.deployment(params['deployment_id'] ?? '')
  const agent = member(deployment, 'agent')
  const [id, version] = [member(agent, 'id'), member(agent, 'version')]
  // The upstream says itself that there is none.
  if (typeof id !== 'string' || typeof version !== 'number') return []
  return readSaved(facts, id, version, new Set())
}

/** A version with its roster; none where the upstream has no such version, which it says itself. */
async function readSaved(
  { agentVersion }: Examined['facts'],
  id: string,
  version: number | null,
  replaced: ReadonlySet<string>,
): Promise<readonly Definition[]> {
  const first = await agentVersion(id, version)
  if (first === null) return []
  const resolved = await resolveAgent(agentVersion, first.id, first.version)
  if (resolved === null) return unreadable(['agent'], 'has a roster with an agent that cannot be read')
  const run = { ...resolved.agent, config: without(resolved.agent.config, replaced) }
  return [run, ...resolved.members].map(savedDefinition)
}

/** What overrides put in the place of the saved value; anything else is judged beside it. */
const replaceable: readonly string[] = ['model', 'system', 'tools', 'mcp_servers', 'skills']

const without = (fields: JsonObject, keys: ReadonlySet<string>): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.has(key)))

const savedDefinition = ({ id, version, config }: AgentVersion): Definition => ({
  ...{ fields: config, at: null, saved: { id, version }, storedMultiagent: undefined },
})
