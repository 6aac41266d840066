import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashAgent, type ResolvedAgent } from '../../src/pin/config-hash.ts'
import { readExposure } from '../../src/pin/exposure.ts'
import { hashSnapshot } from '../../src/pin/snapshot-hash.ts'
import { compareSnapshot } from '../../src/pin/verify.ts'

const definition = (id: string, version: number) => ({
  ...{ type: 'agent', id, version, name: id, description: null, system: 'be kind' },
  model: { id: 'claude-sonnet-5-5', speed: 'standard', effort: 'high' },
  tools: [
    {
      type: 'agent_toolset_20260401',
      configs: [{ name: 'bash', enabled: true }],
      default_config: { enabled: true },
    },
  ],
  mcp_servers: [{ type: 'url', name: 'github', url: 'https://github.test/mcp' }],
  skills: [{ type: 'custom', skill_id: 'skill_a', version: 'skver_1' }],
})
const saved = (id: string, version: number, multiagent: unknown = null) => ({
  ...{ id, version },
  config: {
    ...definition(id, version),
    multiagent,
    metadata: { a: 'b' },
    created_at: 'then',
    archived_at: null,
  },
})
const reference = (id: string, version: number) => ({ type: 'agent', id, version })

const resolved: ResolvedAgent = {
  agent: saved('agent_lead', 3, {
    type: 'multiagent_20261001',
    advisor: { type: 'enabled', model: 'claude-opus-5-5' },
    subagents: { type: 'enabled', predefined_agents: [reference('agent_a', 1), reference('agent_lead', 3)] },
    workflows: { type: 'enabled', predefined_agents: [reference('agent_b', 2)] },
  }),
  members: [saved('agent_a', 1), saved('agent_b', 2)],
}
const snapshot = () => ({
  ...definition('agent_lead', 3),
  multiagent: {
    type: 'multiagent_20261001',
    advisor: { type: 'enabled', model: 'claude-opus-5-5' },
    subagents: {
      type: 'enabled',
      predefined_agents: [definition('agent_a', 1), definition('agent_lead', 3)],
    },
    workflows: { type: 'enabled', predefined_agents: [definition('agent_b', 2)] },
  },
})

/** Every place of a JSON value that holds no other. */
function leaves(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...at, key]))
}

function changed(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to
  if (Array.isArray(value))
    return value.map((item, at) => (String(at) === key ? changed(item, rest, to) : item))
  if (typeof value !== 'object' || value === null) throw new Error('no such place')
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? changed(inner, rest, to) : inner]),
  )
}

test('a snapshot that says what was saved is no difference and has its hash', () => {
  expect(compareSnapshot(resolved, null, snapshot())).toEqual({ differences: [], unknown: [] })
  expect(hashSnapshot(snapshot())).toBe(hashAgent(resolved))
})

test('any one value that is different, wherever it stands, is found, and is another hash', () => {
  const places = leaves(snapshot())
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.oneof(fc.string({ minLength: 3 }), fc.integer({ min: 100 }), fc.constant({ x: 1 })),
      (place, to) => {
        const other = changed(snapshot(), place, to)
        const { differences } = compareSnapshot(resolved, null, other)
        expect(differences.length).toBeGreaterThan(0)
        expect(differences[0]?.split(/[.[]/)[0]).toBe(place[0])
        expect(hashSnapshot(other)).not.toBe(hashAgent(resolved))
      },
    ),
    { numRuns: 300 },
  )
})

test('a member whose saved version is not known, or that has a roster of its own, is a difference', () => {
  const known = { ...resolved, members: resolved.members.slice(0, 1) }
  expect(compareSnapshot(known, null, snapshot()).differences).toEqual([
    'multiagent.workflows.predefined_agents[0]',
  ])
  const place = ['multiagent', 'workflows', 'predefined_agents', '0']
  const nested = changed(snapshot(), place, {
    ...definition('agent_b', 2),
    multiagent: { type: 'coordinator' },
  })
  expect(compareSnapshot(resolved, null, nested).differences).toEqual([
    'multiagent.workflows.predefined_agents[0].multiagent',
  ])
})

test('no snapshot, however odd, makes the comparison throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...leaves(snapshot())), (value, place) => {
      compareSnapshot(resolved, null, value)
      compareSnapshot(resolved, value, changed(snapshot(), place, value))
      hashSnapshot(changed(snapshot(), place, value))
    }),
  )
})

test.each<[string, object, object, readonly string[]]>([
  [
    'a model by its name',
    { model: 'claude-opus-5-5' },
    { model: { id: 'claude-opus-5-5', speed: 'standard' } },
    [],
  ],
  ['another model than asked for', { model: 'claude-opus-5-5' }, {}, ['model']],
  ['a cleared prompt', { system: null }, { system: null }, []],
  ['a prompt that was not cleared', { system: null }, {}, ['system']],
  [
    'tools with what the upstream fills in',
    { tools: [{ type: 'x' }] },
    { tools: [{ type: 'x', configs: [] }] },
    [],
  ],
  ['one tool too many', { tools: [{ type: 'x' }] }, { tools: [{ type: 'x' }, { type: 'y' }] }, ['tools']],
  [
    'a switch turned round',
    { tools: [{ type: 'x', on: false }] },
    { tools: [{ type: 'x', on: true }] },
    ['tools[0].on'],
  ],
  ['what was not replaced', { system: 'a' }, { system: 'a', name: 'other' }, ['name']],
])('an override is expected as it was written: %s', (_case, replaced, answered, expected) => {
  const sent = { type: 'agent_with_overrides', id: 'agent_x', version: 1, ...replaced }
  const plain = { agent: saved('agent_x', 1), members: [] }
  const { differences } = compareSnapshot(plain, sent, { ...definition('agent_x', 1), ...answered })
  expect(differences).toEqual(expected)
})

test('what a plain reference says beside its version replaces nothing', () => {
  const plain = { agent: saved('agent_x', 1), members: [] }
  const answered = { ...definition('agent_x', 1), system: 'other' }
  const sent = { type: 'agent', id: 'agent_x', version: 1, system: 'other' }
  expect(compareSnapshot(plain, sent, answered).differences).toEqual(['system'])
})

test('a skill saved without a version may get any, and one saved with a version may not', () => {
  const open = saved('agent_x', 1)
  const skills = [{ type: 'custom', skill_id: 'skill_a', version: null }]
  const plain = { agent: { ...open, config: { ...open.config, skills } }, members: [] }
  expect(compareSnapshot(plain, null, definition('agent_x', 1)).differences).toEqual([])
  const other = { ...definition('agent_x', 1), skills: [{ ...skills[0], version: 'skver_2' }] }
  const kept = { agent: open, members: [] }
  expect(compareSnapshot(kept, null, other).differences).toEqual(['skills[0].version'])
})

test.each<[string, unknown, string]>([
  ['sessions.create', { agent: 'agent_x' }, 'unpinned'],
  ['sessions.create', { agent: { type: 'agent', id: 'agent_x' } }, 'unpinned'],
  ['sessions.create', { agent: { type: 'agent', id: 'agent_x', version: null } }, 'unpinned'],
  ['sessions.create', { agent: { type: 'agent', id: 'agent_x', version: 2 } }, ''],
  [
    'sessions.create',
    { agent: { type: 'agent_with_overrides', id: 'agent_x', system: 'a', model: 'b' } },
    'unpinned overrides:system+model',
  ],
  ['sessions.create', { agent: { type: 'odd' } }, 'unreadable'],
  ['sessions.create', {}, ''],
  ['deployments.create', { agent: 'agent_x' }, 'unpinned'],
  ['deployments.update', { agent: 'agent_x' }, 'repinned'],
  ['deployments.update', { name: 'n' }, ''],
  ['sessions.update', { agent: { tools: [] } }, 'session_tools:tools'],
  ['sessions.update', { title: 't' }, ''],
  ['environments.update', { config: {} }, 'environment_config'],
  ['environments.update', { name: 'n' }, ''],
  ['agents.create', { agent: 'agent_x' }, ''],
  ['sessions.create', null, ''],
])('what %s leaves open of %j is said as `%s`', (operation, body, words) => {
  expect(readExposure(operation, body).words).toBe(words)
})
