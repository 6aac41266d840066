// Who gets the canary: sticky, the same everywhere, never shrinking as the share grows.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePins } from '../../src/pin/pins-file.ts'
import { chooseVersion, placeOf, type RolloutRequest } from '../../src/pin/rollout.ts'

const pinsOf = (percent: number, more = '') =>
  parsePins(`rollouts:\n  agent_1: { stable: 3, canary: 4, percent: ${percent}${more} }\n`, 'pins.yaml')
const request = (more: Partial<RolloutRequest> = {}): RolloutRequest => ({
  ...{ team: 'red', callerId: 'ada', metadata: {}, held: false },
  ...more,
})
const channel = (percent: number, more: string, asked: Partial<RolloutRequest> = {}) =>
  chooseVersion(pinsOf(percent, more), 'agent_1', request(asked))?.channel

test('an agent without a rollout is left alone', () => {
  expect(chooseVersion(pinsOf(100), 'agent_2', request())).toBeNull()
})

test('raising the share never takes anybody off the canary, and it is the same on every replica', () => {
  const share = fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100)
  fc.assert(
    fc.property(fc.string(), share, share, (callerId, one, other) => {
      const [small, large] = [Math.min(one, other), Math.max(one, other)]
      if (channel(small, '', { callerId }) === 'canary')
        expect(channel(large, '', { callerId })).toBe('canary')
      expect(channel(large, '', { callerId })).toBe(channel(large, '', { callerId }))
    }),
  )
})

test('places are fixed for ever: another build of this gateway must give the same answers', () => {
  expect([placeOf('agent_1', 'caller red/ada'), placeOf('agent_2', 'caller red/ada')]).toEqual([3402, 4990])
})

test('nobody at 0, everybody at 100, and about the share between', () => {
  const callers = Array.from({ length: 4_000 }, (_, at) => `caller-${at}`)
  const count = (percent: number) =>
    callers.filter((callerId) => channel(percent, '', { callerId }) === 'canary').length
  expect([count(0), count(100)]).toEqual([0, 4_000])
  expect(count(10)).toBeGreaterThan(300)
  expect(count(10)).toBeLessThan(500)
})

test('a held canary is for nobody: not for those who ask, not for `always`', () => {
  const asking = { metadata: { tollgate_channel: 'canary' } }
  expect(channel(100, ', hold: true', asking)).toBe('stable')
  expect(channel(100, ', always: [team/red, ada]', { ...asking, held: true })).toBe('stable')
})

test('a caller chooses by metadata before anything else but a hold', () => {
  expect(channel(0, '', { metadata: { tollgate_channel: 'canary' } })).toBe('canary')
  expect(channel(100, ', always: [ada]', { metadata: { tollgate_channel: 'stable' } })).toBe('stable')
  expect(channel(0, '', { metadata: { tollgate_channel: 'nightly' } })).toBe('stable')
})

test('`always` names teams and callers, and no other of that name', () => {
  expect(channel(0, ', always: [team/red]')).toBe('canary')
  expect(channel(0, ', always: [red]')).toBe('stable')
  expect(channel(0, ', always: [ada]', { team: 'blue' })).toBe('canary')
})

test('what decides is what the file says; metadata that is missing leaves it to the caller', () => {
  const key = (by: string, asked: Partial<RolloutRequest>) =>
    Array.from({ length: 99 }, (_, at) => channel(at + 1, `, by: ${by}`, asked)).indexOf('canary')
  expect(key('team', { callerId: 'ada' })).toBe(key('team', { callerId: 'bob' }))
  const customer = { metadata: { customer: 'c1' } }
  expect(key('metadata.customer', { ...customer, callerId: 'ada' })).toBe(
    key('metadata.customer', { ...customer, callerId: 'bob', team: 'blue' }),
  )
  expect(key('metadata.customer', {})).toBe(key('caller', {}))
})
