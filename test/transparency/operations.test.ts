// Twin runs over every operation of the gateway's table: through Tollgate nothing changes but what is on the short list.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SimulatorOptions } from '../../src/simulator/simulator.ts'
import { operations } from '../../src/upstream/operations.ts'
import { differencesOf } from '../support/allowed-differences.ts'
import { openTwins, type Program, type Twins, upstreamKey } from '../support/twin-worlds.ts'
import {
  operatorWorld,
  walkFiles,
  walkMessages,
  walkProfiles,
  walkSkills,
  walkTunnels,
  walkWorkAsOperator,
  walkWorkAsWorker,
  workerWorld,
} from './walk-library.ts'
import { walkAgents, walkSessions } from './walk-sessions.ts'
import { walkDeployments, walkDreams, walkMemory, walkVaults } from './walk-stores.ts'

let twins: Twins
const walked = new Set<string>()

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

const noting =
  (program: Program): Program =>
  async (lane, world) => {
    await program(lane, world)
    for (const each of lane.walked()) walked.add(each)
  }

test.each([
  ['agents and environments', walkAgents],
  ['sessions, events, threads, resources', walkSessions],
  ['vaults and credentials', walkVaults],
  ['memory stores', walkMemory],
  ['deployments', walkDeployments],
  ['dreams', walkDreams],
  ['files', walkFiles],
  ['skills', walkSkills],
  ['models, messages, batches', walkMessages],
  ['user profiles', walkProfiles],
  ['tunnels', walkTunnels],
  ['work, as its worker', walkWorkAsWorker, workerWorld(upstreamKey)],
  ['work, as an operator', walkWorkAsOperator, operatorWorld],
] satisfies readonly [string, Program, SimulatorOptions?][])(
  '%s: requests and answers are the same through Tollgate',
  async (_, program, options?: SimulatorOptions) => {
    const { direct, through } = await twins.run(noting(program), options)
    expect(differencesOf(direct, through)).toEqual([])
    expect(direct.answers.every(({ answer }) => answer.message?.isWhole())).toBe(true)
  },
)

test('no operation of the table was left out', () => {
  expect(operations.map(({ id }) => id).filter((id) => !walked.has(id))).toEqual([])
})
