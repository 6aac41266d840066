// Long work in short slices, so that a thousand open streams go on while it is done.
// The work is a generator that yields wherever it may pause; whether it does is decided here.

/** Work that may pause at each `yield`, and returns its result. */
export type Steps<Result> = Generator<undefined, Result, undefined>

/** A slice of work between two turns of the event loop; long enough to be cheap, short enough not to be felt. */
const sliceMs = 4

/** Does the work without a pause. Throws what the work throws. */
export function runAtOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Does the work in slices of about 4 ms with a turn of the event loop before each. Rejects with what it throws. */
export async function runInTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    await nextTurn()
    const endMs = performance.now() + sliceMs
    do {
      const step = steps.next()
      if (step.done) return step.value
    } while (performance.now() < endMs)
  }
}

/** Lets everything that waits have its turn first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
