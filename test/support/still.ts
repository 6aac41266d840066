// Waiting for a number to stop moving: the only way to see that something is being held back.

/** Resolves with the value once it has not changed for `rounds` looks in a row. */
export async function untilStill(read: () => number, rounds = 5): Promise<number> {
  let last = read()
  for (let unchanged = 0; unchanged < rounds; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const value = read()
    unchanged = value === last ? unchanged + 1 : 0
    last = value
  }
  return last
}
