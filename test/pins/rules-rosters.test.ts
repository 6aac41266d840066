import { expect, test } from 'vitest'
import { noInlineAgents, noWorkflows } from '../../src/pin/rules/inline-agents.ts'
import { advisorModels } from '../../src/pin/rules/models.ts'
import { rosterVersions } from '../../src/pin/rules/roster-versions.ts'
import { noSelfMembers } from '../../src/pin/rules/self-members.ts'
import { look } from '../support/examined.ts'

const off = { type: 'disabled' }
const on = { type: 'enabled' }
const agent = (multiagent: unknown) => ({ name: 'a', model: 'm', multiagent })
const current = (parts: object = {}) => agent({ type: 'multiagent_20261001', ...parts })
const member = (id: string, version?: number) => ({ type: 'agent', id, ...(version ? { version } : {}) })

const world = {
  agents: {
    'agent_a@1': { model: 'm' },
    'agent_a@2': { model: 'm' },
    'agent_b@5': { model: 'm' },
    'agent_kept@1': {
      multiagent: {
        type: 'multiagent_20261001',
        advisor: off,
        subagents: { type: 'enabled', inline_agents: on, predefined_agents: [member('agent_a', 1)] },
        workflows: { type: 'enabled', inline_agents: off, predefined_agents: [member('agent_a', 1)] },
      },
    },
    'agent_run@3': {
      multiagent: { type: 'coordinator', agents: [member('agent_a', 1), member('agent_run', 3)] },
    },
  },
}
const updated = { world, params: { agent_id: 'agent_kept' } }

test.each([
  ['nothing is said of it', {}, 2],
  ['the part is null', { subagents: null, workflows: off }, 1],
  ['the switch is left out', { subagents: on, workflows: off }, 1],
  ['the switch is null', { subagents: { ...on, inline_agents: null }, workflows: off }, 1],
  ['the switch is on', { subagents: { ...on, inline_agents: on }, workflows: off }, 1],
  [
    'the switch is off',
    { subagents: { ...on, inline_agents: off, predefined_agents: ['agent_a'] }, workflows: off },
    0,
  ],
  ['both parts are off', { subagents: off, workflows: off }, 0],
])('a new agent may make up agents when %s', async (_case, parts, count) => {
  const { findings } = await look(noInlineAgents, 'agents.create', current(parts))
  expect(findings.map(({ requested }) => requested)).toEqual(Array(count).fill('inline agents'))
})

test('forced, inline agents go off where saved ones are named, and a part nobody asked for goes off whole', async () => {
  const body = current({ subagents: { ...on, predefined_agents: ['agent_a'] } })
  const { forced } = await look(noInlineAgents, 'agents.create', body)
  expect(forced).toEqual(
    current({ subagents: { ...on, predefined_agents: ['agent_a'], inline_agents: off }, workflows: off }),
  )
})

test('a part that would be left with nobody to start is refused with the words to send', async () => {
  const { findings, forced } = await look(
    noInlineAgents,
    'agents.create',
    current({ subagents: on, workflows: off }),
  )
  expect(forced).toBeNull()
  expect(findings[0]?.sentence).toContain('at least one agent in `predefined_agents`')
})

test('an update keeps what it leaves out, so inline agents that were on stay on', async () => {
  const { findings, forced } = await look(noInlineAgents, 'agents.update', current(), updated)
  expect(findings.map(({ path }) => path.join('.'))).toEqual(['multiagent.subagents'])
  expect(findings[0]?.sentence).toContain('which this update keeps')
  expect(forced).toEqual(current({ subagents: { ...on, inline_agents: off } }))
})

test('an update that writes an enabled part keeps the agents that it leaves out', async () => {
  const body = current({ subagents: on })
  const { forced } = await look(noInlineAgents, 'agents.update', body, updated)
  expect(forced).toEqual(current({ subagents: { ...on, inline_agents: off } }))
})

test('an update of another type keeps nothing of what is stored', async () => {
  const stored = { multiagent: { type: 'multiagent_old', subagents: off, workflows: off } }
  const options = { world: { agents: { 'agent_old@1': stored } }, params: { agent_id: 'agent_old' } }
  expect((await look(noWorkflows, 'agents.update', current(), options)).findings).toHaveLength(1)
})

test('an update that writes an enabled part keeps its switch, and null turns it on again', async () => {
  const kept = await look(
    noInlineAgents,
    'agents.update',
    current({ subagents: off, workflows: on }),
    updated,
  )
  expect(kept.findings).toEqual([])
  const body = current({ subagents: off, workflows: { ...on, inline_agents: null } })
  expect((await look(noInlineAgents, 'agents.update', body, updated)).findings).toHaveLength(1)
})

test.each([
  ['left out', {}],
  ['null', { workflows: null }],
  ['enabled', { workflows: on }],
])('workflows that are %s are on, and forced off', async (_case, parts) => {
  const { findings, forced } = await look(noWorkflows, 'agents.create', current(parts))
  expect(findings).toHaveLength(1)
  expect(forced).toEqual(current({ ...parts, workflows: off }))
})

test('a change of type from coordinator turns workflows on, an update of the same type keeps them', async () => {
  const coordinator = { world, params: { agent_id: 'agent_run' } }
  expect((await look(noWorkflows, 'agents.update', current(), coordinator)).findings[0]?.sentence).toContain(
    'the default',
  )
  expect((await look(noWorkflows, 'agents.update', current(), updated)).findings[0]?.sentence).toContain(
    'keeps',
  )
})

test('an agent without a roster, and an update that leaves it out or clears it, start nobody', async () => {
  for (const rule of [noInlineAgents, noWorkflows, noSelfMembers, rosterVersions, advisorModels]) {
    expect((await look(rule, 'agents.create', { name: 'a' })).findings).toEqual([])
    expect((await look(rule, 'agents.update', agent(null), updated)).findings).toEqual([])
  }
})

test('members without a version get the latest, in every list and both forms', async () => {
  const body = current({
    subagents: { ...on, predefined_agents: ['agent_a', member('agent_b', 5)] },
    workflows: { ...on, predefined_agents: [member('agent_b')] },
  })
  const { findings, forced } = await look(rosterVersions, 'agents.create', body, { world })
  expect(findings.map(({ resolved }) => resolved)).toEqual(['2', '5'])
  expect(forced).toEqual(
    current({
      subagents: { ...on, predefined_agents: [member('agent_a', 2), member('agent_b', 5)] },
      workflows: { ...on, predefined_agents: [member('agent_b', 5)] },
    }),
  )
  const coordinator = agent({ type: 'coordinator', agents: ['agent_b'] })
  const listed = await look(rosterVersions, 'agents.create', coordinator, { world })
  expect(listed.forced).toEqual(agent({ type: 'coordinator', agents: [member('agent_b', 5)] }))
})

test.each([
  ['the newest approved', 'approved: { agent_a: [1] }', 1],
  ['not one that expired', 'approved: { agent_a: [1, { version: 2, expires: 2026-11-01 }] }', 1],
  ['the stable of a rollout', 'rollouts: { agent_a: { stable: 1, canary: 2, percent: 50 } }', 1],
  ['nothing when all are rejected', 'rejected: { agent_a: [2] }', null],
  [
    'nothing when the approved one expired',
    'approved: { agent_a: [{ version: 2, expires: 2026-11-01 }] }',
    null,
  ],
])('a member without a version gets %s', async (_case, pins, version) => {
  const body = agent({ type: 'coordinator', agents: [member('agent_a')] })
  const { forced } = await look(rosterVersions, 'agents.create', body, { world: { ...world, pins } })
  const wanted =
    version === null ? null : agent({ type: 'coordinator', agents: [member('agent_a', version)] })
  expect(forced).toEqual(wanted)
})

test('a version of a member that is not approved is rewritten; in a saved roster it is refused', async () => {
  const pins = 'approved: { agent_a: [2] }'
  const body = agent({ type: 'coordinator', agents: [member('agent_a', 1)] })
  const options = { world: { ...world, pins } }
  const { forced } = await look(rosterVersions, 'agents.create', body, options)
  expect(forced).toEqual(agent({ type: 'coordinator', agents: [member('agent_a', 2)] }))
  const run = await look(rosterVersions, 'sessions.create', { agent: member('agent_run', 3) }, options)
  expect(run.forced).toBeNull()
  expect(run.findings[0]?.sentence).toContain('agent `agent_run` version 3')
})

test('the agent itself is no member: left out of a list with others, refused alone and in a saved version', async () => {
  const self = { type: 'self' }
  const both = agent({ type: 'coordinator', agents: [self, 'agent_a'] })
  expect((await look(noSelfMembers, 'agents.create', both)).forced).toEqual(
    agent({ type: 'coordinator', agents: ['agent_a'] }),
  )
  const alone = agent({ type: 'coordinator', agents: [self] })
  expect((await look(noSelfMembers, 'agents.create', alone)).forced).toBeNull()
  const part = current({ workflows: { ...on, predefined_agents: ['agent_a', self] } })
  expect((await look(noSelfMembers, 'agents.create', part)).findings).toHaveLength(1)
  const run = await look(noSelfMembers, 'sessions.create', { agent: 'agent_run' }, { world })
  expect(run.findings).toHaveLength(1)
  expect(run.forced).toBeNull()
})

test('an advisor only of the models allowed; forced, there is none', async () => {
  const allow = ['claude-opus-5-5']
  const body = current({ advisor: { ...on, model: 'claude-x' } })
  const { findings, forced } = await look(advisorModels, 'agents.create', body, { allow })
  expect(forced).toEqual(current({ advisor: off }))
  expect(findings[0]?.sentence).toContain('`claude-opus-5-5`')
  const good = current({ advisor: { ...on, model: 'claude-opus-5-5' } })
  expect((await look(advisorModels, 'agents.create', good, { allow })).findings).toEqual([])
  const listed = agent({ type: 'coordinator', agents: ['agent_a', { type: 'advisor', model: 'claude-x' }] })
  expect((await look(advisorModels, 'agents.create', listed, { allow })).forced).toEqual(
    agent({ type: 'coordinator', agents: ['agent_a'] }),
  )
})

test.each([
  ['a recased roster', { Multiagent: { type: 'multiagent_20261001' } }],
  ['a recased part', { multiagent: { type: 'multiagent_20261001', Workflows: off } }],
  [
    'a recased switch',
    { multiagent: { type: 'multiagent_20261001', workflows: { ...on, Inline_agents: off } } },
  ],
  ['an unknown kind', { multiagent: { type: 'multiagent_20270101' } }],
  ['a kind in capitals', { multiagent: { type: 'multiagent_20261001', workflows: { type: 'DISABLED' } } }],
  ['a text for a roster', { multiagent: 'off' }],
  ['members that are no list', { multiagent: { type: 'coordinator', agents: { 0: 'agent_a' } } }],
])('%s is refused by every rule about rosters, whatever the mode', async (_case, body) => {
  for (const rule of [noInlineAgents, noWorkflows, noSelfMembers, rosterVersions, advisorModels]) {
    const { findings, forced } = await look(rule, 'agents.create', body)
    expect(findings.map(({ requested }) => requested)).toEqual(['unreadable'])
    expect(forced).toBeNull()
  }
})

test('a version of a member that another parser could read as another one is written out plainly', async () => {
  for (const written of ['1.0', '1e0', '0.99999999999999999999']) {
    const body = `{"multiagent":{"type":"coordinator","agents":[{"type":"agent","id":"agent_a","version":${written}}]}}`
    const { findings } = await look(rosterVersions, 'agents.create', body, { world })
    expect(findings).toHaveLength(1)
  }
})
