// The upstream's patience is never used up: so many reads in any minute, urgent ones first, none in a pause.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createReadBudget, type Priority, priorities } from '../../src/watch/read-budget.ts'

/** A budget on a clock that moves by hand, and the reads it let through: when, and of what priority. */
function openBudget(readsPerMinute: number) {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  const sent: { readonly atMs: number; readonly priority: Priority }[] = []
  const budget = createReadBudget({
    readsPerMinute,
    monotonicMs: () => nowMs,
    after: (delayMs, run) => {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    budget,
    sent,
    ask: (priority: Priority): void =>
      void budget.take(priority).then(
        () => sent.push({ atMs: nowMs, priority }),
        () => {},
      ),
    advance: async (ms: number): Promise<void> => {
      // What was let through is sent now, and not when the time has passed.
      await turn()
      const untilMs = nowMs + ms
      for (let round = 0; round < 10_000; round += 1) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)
        if (next === undefined) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
        await turn()
      }
      nowMs = untilMs
      await turn()
    },
  }
}

test('in no minute are there more reads than the budget, and all are served in the end', async () => {
  const step = fc.record({
    asks: fc.array(fc.constantFrom(...priorities), { maxLength: 12 }),
    waitMs: fc.integer({ min: 0, max: 40_000 }),
    pauseMs: fc.option(fc.integer({ min: 1, max: 90_000 }), { freq: 8 }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 20 }),
      fc.array(step, { maxLength: 12 }),
      async (limit, steps) => {
        const { budget, sent, ask, advance } = openBudget(limit)
        let asked = 0
        for (const { asks, waitMs, pauseMs } of steps) {
          if (pauseMs !== null) budget.pause(pauseMs)
          for (const priority of asks) ask(priority)
          asked += asks.length
          await advance(waitMs)
        }
        await advance(60_000 * (asked + 3))
        expect(sent.length).toBe(asked)
        for (const { atMs } of sent) {
          const inMinute = sent.filter((each) => each.atMs >= atMs && each.atMs < atMs + 60_000).length
          expect(inMinute).toBeLessThanOrEqual(limit)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('a tenth is kept for what is urgent, and what waits is served by its urgency', async () => {
  const { sent, ask, advance } = openBudget(10)
  for (const priority of ['sweep', 'settle', 'running'] as const) for (let n = 0; n < 6; n += 1) ask(priority)
  await advance(0)
  expect(sent.map(({ priority }) => priority)).toEqual([
    ...Array(6).fill('sweep'),
    ...Array(3).fill('settle'),
  ])
  ask('urgent')
  ask('urgent')
  await advance(0)
  expect(sent.filter(({ priority }) => priority === 'urgent').length).toBe(1)
  await advance(60_000)
  expect(sent.slice(10).map(({ priority }) => priority)).toEqual([
    'urgent',
    ...Array(6).fill('running'),
    ...Array(2).fill('settle'),
  ])
})

test('a pause holds for everything, and the longest one counts', async () => {
  const { budget, sent, ask, advance } = openBudget(100)
  budget.pause(9_000)
  budget.pause(2_000)
  ask('urgent')
  await advance(8_999)
  expect(sent).toEqual([])
  expect(budget.isPaused()).toBe(true)
  await advance(1)
  expect(sent).toEqual([{ atMs: 9_000, priority: 'urgent' }])
})

test('a closed budget lets nobody wait', async () => {
  const { budget } = openBudget(1)
  await budget.take('running')
  const waiting = budget.take('running')
  budget.close()
  await expect(waiting).rejects.toThrow('closing')
  await expect(budget.take('urgent')).rejects.toThrow('closing')
})
