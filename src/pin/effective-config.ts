// What a saved agent version may really do, one plain fact a line: every default filled in, every list spelled out, so
// that two versions can be laid side by side.
import { canonicalJson } from '../kernel/canonical-json.ts'

/** One thing a version says. */
export type EffectiveFact = {
  readonly text: string
  /** How far it reaches; one that is not there reaches 0, one that restrains reaches less. */
  readonly reach: number
  /** True where another text is another reach altogether: an address, an identity. */
  readonly isNewWhenChanged?: boolean
  /** The fact that holds where this one is not said: the default of a toolset, `anything` of a list. */
  readonly otherwise?: string
}

export type EffectiveConfig = ReadonlyMap<string, EffectiveFact>

type Config = { readonly [key: string]: unknown }

/** Built-in tools (SDK 1.12.0, beta/agents): all on, without asking, unless the version says otherwise. */
const builtIns = ['bash', 'read', 'write', 'edit', 'glob', 'grep', 'web_fetch', 'web_search'] as const
const reachOfPolicy = new Map([
  ['off', 0],
  ['always_ask', 1],
  ['auto', 2],
  ['always_allow', 3],
])

// Read by its own rules below, or told elsewhere (`system`), or no matter of what runs.
const readHere: ReadonlySet<string> = new Set([
  ...['type', 'id', 'version', 'name', 'description', 'model', 'system', 'tools', 'mcp_servers', 'skills'],
  ...['multiagent', 'execution_identity', 'metadata', 'created_at', 'updated_at', 'archived_at'],
])

/** Reads an agent object as the upstream answers it. What is not known here is one fact as JSON, and reaches. */
export function readEffective(agent: Config): EffectiveConfig {
  const facts: [string, EffectiveFact][] = [
    ['name', { text: textOf(agent['name']), reach: 0 }],
    ['description', { text: textOf(agent['description']), reach: 0 }],
    ...readModel(agent['model']),
    ['runs as', { text: textOf(agent['execution_identity']), reach: 1, isNewWhenChanged: true }],
    ...listOf(agent['tools']).flatMap(readTool),
    ...listOf(agent['mcp_servers']).map(readServer),
    ...listOf(agent['skills']).map(readSkill),
    ...readRoster(agent['multiagent'], 'roster'),
    ...Object.entries(agent)
      .filter(([key, value]) => !readHere.has(key) && value !== null)
      .map(([key, value]): [string, EffectiveFact] => [key, unknownFact(value)]),
  ]
  return new Map(facts.filter(([, { text }]) => text !== ''))
}

function readModel(model: unknown): [string, EffectiveFact][] {
  const { id, effort, inference_geo, speed, ...rest } = objectOf(model)
  return [
    ['model', { text: textOf(typeof model === 'string' ? model : id), reach: 0 }],
    ['model effort', { text: textOf(objectOf(effort)['type'] ?? effort), reach: 0 }],
    ['model speed', { text: textOf(speed), reach: 0 }],
    // Without it the upstream may run the model anywhere.
    ['model stays in', { text: textOf(inference_geo), reach: -1, isNewWhenChanged: true }],
    ...Object.entries(rest).map(([key, value]): [string, EffectiveFact] => [
      `model ${key}`,
      unknownFact(value),
    ]),
  ]
}

function readTool(tool: unknown): readonly [string, EffectiveFact][] {
  const { type, configs, default_config: fallback, ...rest } = objectOf(tool)
  if (type === 'agent_toolset_20260401') {
    const named = new Map(listOf(configs).map((config) => [textOf(objectOf(config)['name']), config]))
    return builtIns.flatMap((name) => {
      const config = objectOf(named.get(name))
      const policy = policyOf(config, objectOf(fallback), 'always_allow')
      return [
        [`tool ${name}`, { text: policy, reach: reachOfPolicy.get(policy) ?? 4 }] as const,
        ...(policy === 'off' ? [] : readWebReach(name, config)),
      ].map(([key, fact]): [string, EffectiveFact] => [key, fact])
    })
  }
  if (type === 'mcp_toolset') {
    const server = `MCP server ${textOf(rest['mcp_server_name'])}`
    const others = `${server}: every tool not named`
    const defaults = policyOf({}, objectOf(fallback), 'always_ask')
    return [
      [others, { text: defaults, reach: reachOfPolicy.get(defaults) ?? 4 }],
      ...listOf(configs).map((config): [string, EffectiveFact] => {
        const policy = policyOf(objectOf(config), objectOf(fallback), 'always_ask')
        const reach = reachOfPolicy.get(policy) ?? 4
        return [`${server}: ${textOf(objectOf(config)['name'])}`, { text: policy, reach, otherwise: others }]
      }),
    ]
  }
  if (type === 'custom') return [[`custom tool ${textOf(rest['name'])}`, { text: textOf(rest), reach: 1 }]]
  return [[`tool ${textOf(type)}`, unknownFact(tool)]]
}

function policyOf(config: Config, fallback: Config, byDefault: string): string {
  if ((config['enabled'] ?? fallback['enabled'] ?? true) === false) return 'off'
  return textOf(objectOf(config['permission_policy'] ?? fallback['permission_policy'])['type'] ?? byDefault)
}

function readWebReach(name: string, config: Config): readonly (readonly [string, EffectiveFact])[] {
  const known = ['name', 'type', 'enabled', 'permission_policy', 'allowed_domains', 'blocked_domains']
  const others = Object.entries(config).filter(([key, value]) => !known.includes(key) && value !== null)
  const settings = others.map(([key, value]) => [`tool ${name} ${key}`, unknownFact(value)] as const)
  if (!name.startsWith('web_')) return settings
  const anything = `tool ${name} may reach anything`
  const allowed = listOf(config['allowed_domains']).map(textOf)
  return [
    ...settings,
    ...(allowed.length === 0 ? [[anything, { text: 'yes', reach: 2 }] as const] : []),
    ...allowed.map(
      (host) => [`tool ${name} may reach ${host}`, { text: 'yes', reach: 1, otherwise: anything }] as const,
    ),
    ...listOf(config['blocked_domains'])
      .map(textOf)
      .map((host) => [`tool ${name} is kept from ${host}`, { text: 'yes', reach: -1 }] as const),
  ]
}

function readServer(server: unknown): [string, EffectiveFact] {
  const { name, url } = objectOf(server)
  return [`MCP server ${textOf(name)}`, { text: textOf(url), reach: 1, isNewWhenChanged: true }]
}

function readSkill(skill: unknown): [string, EffectiveFact] {
  const { type, skill_id: id, version } = objectOf(skill)
  return [`skill ${textOf(type)}/${textOf(id)}`, { text: textOf(version) || 'latest', reach: 1 }]
}

/** Rosters have several forms: each member that names an agent is one fact, each switch another. */
function readRoster(value: unknown, path: string): readonly [string, EffectiveFact][] {
  if (Array.isArray(value)) return value.flatMap((item) => readRoster(item, path))
  if (typeof value !== 'object' || value === null) return []
  const { type, id, version, model, ...rest } = objectOf(value)
  if (typeof id === 'string') {
    return [[`${path} agent ${id}`, { text: `version ${textOf(version) || 'latest'}`, reach: 1 }]]
  }
  if (typeof model === 'string') return [[`${path} advisor`, { text: model, reach: 1 }]]
  const own: EffectiveFact = { text: textOf(type), reach: type === 'disabled' ? 0 : 1 }
  return [
    [path, own],
    ...Object.entries(rest).flatMap(([key, member]) =>
      readRoster(member, Array.isArray(member) ? path : `${path} ${key}`),
    ),
  ]
}

const unknownFact = (value: unknown): EffectiveFact => ({
  text: textOf(value),
  reach: 1,
  isNewWhenChanged: true,
})

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function objectOf(value: unknown): Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : canonicalJson(value)
}
