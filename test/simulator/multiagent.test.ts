// What an update leaves of a roster, as the SDK describes it: the same type merges level by level, null is the default.
import { expect, test } from 'vitest'
import { openSessionHouse, refusalOf } from '../support/session-house.ts'

const off = { type: 'disabled' as const }
const on = { type: 'enabled' as const }

test('an update of an enabled part keeps the switch and the agents that it leaves out; null turns the switch on', async () => {
  const { client, agent } = await openSessionHouse()
  const lead = await client.beta.agents.create({
    name: 'lead',
    model: 'claude-sonnet-5-5',
    multiagent: {
      type: 'multiagent_20261001',
      subagents: { ...on, inline_agents: off, predefined_agents: [agent.id] },
      workflows: off,
    },
  })
  const update = async (subagents: object | null) =>
    client.beta.agents.update(lead.id, {
      multiagent: {
        type: 'multiagent_20261001',
        subagents: subagents === null ? null : { ...on, ...subagents },
      },
    })
  const kept = { ...on, inline_agents: off, predefined_agents: [{ type: 'agent', id: agent.id, version: 1 }] }
  expect((await update({})).multiagent).toMatchObject({ subagents: kept, workflows: off })
  expect((await update({ inline_agents: null })).multiagent).toMatchObject({
    subagents: { ...kept, inline_agents: on },
  })
  expect((await update(null)).multiagent).toMatchObject({
    subagents: { ...on, inline_agents: on, predefined_agents: [] },
  })
})

test('a part without inline agents and without agents of its own is refused', async () => {
  const { client } = await openSessionHouse()
  const create = client.beta.agents.create({
    name: 'lead',
    model: 'claude-sonnet-5-5',
    multiagent: { type: 'multiagent_20261001', workflows: { ...on, inline_agents: off } },
  })
  expect(await refusalOf(create)).toMatch(/^400 .*multiagent\.workflows\.predefined_agents/)
})
