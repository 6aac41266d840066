// Long work leaves room for everything else, and means the same in slices as at once.
import { expect, test } from 'vitest'
import { runAtOnce, runInTurns, type Steps } from '../../src/kernel/turns.ts'

/** Each step takes longer than a slice, however fast the machine is. */
function* slowSteps(count: number): Steps<number> {
  for (let at = 0; at < count; at++) {
    const startMs = performance.now()
    while (performance.now() - startMs < 5);
    yield
  }
  return count
}

test('the event loop has a turn between any two slices', async () => {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns += 1
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  const result = await runInTurns(slowSteps(10))
  isOver = true
  expect(result).toBe(10)
  expect(turns).toBeGreaterThanOrEqual(10)
})

test('work in slices ends as it does at once, with its result or its error', async () => {
  // biome-ignore lint/correctness/useYield: work that fails before it could pause.
  function* failing(): Steps<never> {
    throw new Error('broken')
  }
  expect(runAtOnce(slowSteps(2))).toBe(2)
  expect(() => runAtOnce(failing())).toThrow('broken')
  await expect(runInTurns(failing())).rejects.toThrow('broken')
})
