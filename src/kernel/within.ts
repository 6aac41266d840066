// A wait with an end.

/** False when the time passes first; the work goes on. Without a time it is waited for. */
export async function within(work: Promise<boolean>, timeoutMs: number | undefined): Promise<boolean> {
  if (timeoutMs === undefined) return work
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs)
    void work.then(resolve).finally(() => clearTimeout(timer))
  })
}
