// What the rules are told of the world: of the caller's own account, and as it is now where it can change.
import { expect, test } from 'vitest'
import { createPinFacts } from '../../src/pin/facts.ts'
import { createPin } from '../../src/pin/pin.ts'
import { parsePins } from '../../src/pin/pins-file.ts'
import { allRules } from '../../src/pin/rules/all-rules.ts'
import { pinRequest } from '../support/pin-alone.ts'

const accounts = { one: { name: 'one' }, two: { name: 'two' } }

function openWorld(latest = () => 7) {
  const bound: { [team: string]: keyof typeof accounts } = { red: 'one', blue: 'one', green: 'two' }
  const reads: string[] = []
  const accountOf = (team: string) => accounts[bound[team] ?? 'one']
  const factsOf = createPinFacts({
    accountOf,
    ownerTeam: async () => null,
    readUpstream: async (team, path) => {
      reads.push(`${team} ${path}`)
      if (path.startsWith('/v1/agents/gone')) return { status: 404, body: {} }
      if (path.startsWith('/v1/agents/broken')) return { status: 500, body: {} }
      if (path.startsWith('/v1/agents/other')) return { status: 200, body: { id: 'agent_x', version: 1 } }
      const version = Number(/version=(\d+)/.exec(path)?.[1] ?? latest())
      return { status: 200, body: { id: 'agent_x', version, system: accountOf(team).name } }
    },
  })
  return { factsOf, reads, bound }
}

test('a version is read once for an account, and never serves another account', async () => {
  const { factsOf, reads, bound } = openWorld()
  const systemFor = async (team: string) => (await factsOf(team).agentVersion('agent_x', 3))?.config['system']
  expect([await systemFor('red'), await systemFor('blue'), await systemFor('green')]).toEqual([
    'one',
    'one',
    'two',
  ])
  expect(reads).toEqual(['red /v1/agents/agent_x?version=3', 'green /v1/agents/agent_x?version=3'])
  // A team that is bound to another account from now on is told of that one.
  bound['red'] = 'two'
  expect(await systemFor('red')).toBe('two')
})

test('many who ask for the same new version at once ask the upstream once, and a failure is not remembered', async () => {
  const { factsOf, reads } = openWorld()
  const burst = async (id: string) =>
    Promise.allSettled(Array.from({ length: 20 }, () => factsOf('red').agentVersion(id, 3)))
  expect((await burst('agent_x')).every(({ status }) => status === 'fulfilled')).toBe(true)
  expect(reads).toEqual(['red /v1/agents/agent_x?version=3'])
  for (const at of [2, 3]) {
    expect((await burst('broken')).every(({ status }) => status === 'rejected')).toBe(true)
    expect(reads).toHaveLength(at)
  }
})

test('the latest is asked every time, and what it was is known as that version', async () => {
  const { factsOf, reads } = openWorld()
  await factsOf('red').agentVersion('agent_x', null)
  await factsOf('red').agentVersion('agent_x', null)
  await factsOf('red').agentVersion('agent_x', 7)
  expect(reads).toHaveLength(2)
})

test('what changes is never remembered', async () => {
  const { factsOf, reads } = openWorld()
  for (const read of ['environment', 'session', 'deployment'] as const) {
    await factsOf('red')[read]('agent_x')
    await factsOf('red')[read]('agent_x')
  }
  expect(reads).toHaveLength(6)
})

test('nothing there is null; no answer, or another one, is a failure; an odd id is not asked about', async () => {
  const { factsOf, reads } = openWorld()
  expect(await factsOf('red').agentVersion('gone', 1)).toBeNull()
  await expect(factsOf('red').agentVersion('broken', 1)).rejects.toThrow('500')
  await expect(factsOf('red').agentVersion('other', 1)).rejects.toThrow('another agent')
  const asked = reads.length
  expect(await factsOf('red').agentVersion('../sessions', null)).toBeNull()
  expect(await factsOf('red').session('a?b')).toBeNull()
  expect(reads).toHaveLength(asked)
})

test('a request is judged by the pins of its beginning, whatever is approved or forbidden meanwhile', async () => {
  const text = (mode: string) => `classes: { c: { explicit_version: ${mode} } }\ndefault: c`
  let pins = parsePins(text('force'), 'pins.yaml')
  let asked = 0
  const { factsOf } = openWorld(() => {
    asked++
    pins = parsePins(text('require'), 'pins.yaml')
    return 7
  })
  const pin = createPin({
    ...{ pins: () => pins, rules: allRules, nowMs: () => 0, factsOf, isHeld: () => false },
  })
  const request = pinRequest('{"agent":"agent_x"}', { team: 'red' })
  expect(await pin(request)).toMatchObject({ kind: 'judged', version: 7 })
  expect(asked).toBe(1)
  expect(await pin(request)).toMatchObject({ kind: 'denied' })
})
