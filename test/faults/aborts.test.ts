// Calls that break off at every phase leave nothing behind: no connection, no open exchange, no memory, and one record each.
import { expect, test } from 'vitest'
import { storm } from '../support/storm/storm.ts'

test('after a thousand calls, most of them broken off by client, upstream or both, nothing is left of them', {
  timeout: 120_000,
}, async () => {
  const { faults, exchanges, left, heapBytes, cases } = await storm(1_000)
  // Every exchange has settled once, with an end that fits what happened to it.
  expect(faults).toEqual([])
  expect(exchanges).toBeGreaterThan(900)
  expect(Math.min(...cases.values())).toBeGreaterThan(20)
  expect(left).toMatchObject({
    openExchanges: 0,
    clientSockets: 0,
    upstreamSockets: 0,
    upstreamCalls: 0,
    socketsAtUpstream: 0,
    openStreams: 0,
    journalBytes: 0,
  })
  // Two equal halves: what the first one needed to learn, the second has learnt. A kept exchange weighs kilobytes.
  const [, first, second] = heapBytes
  expect(second - first).toBeLessThan(1024 * 1024)
})
