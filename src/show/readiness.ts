// Is this process fit for traffic? Asks each part, bounded in time, and shares one round between all who ask.

/** One part of the house. `check` resolves to null when well, else to a short reason fit for strangers. */
export type ReadinessCheck = {
  readonly name: string
  readonly check: () => Promise<string | null> | string | null
  /** True when it is worth a word and no reason to send traffic elsewhere: `ok` stays true beside the reason. */
  readonly isNote?: boolean
}

export type Readiness = {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly reason?: string }[]
}

/**
 * Makes the question behind `/ready`, which needs no key: while one round runs, later callers get its answer,
 * so nobody can make the ledger busy by asking. A part that throws or takes over `timeoutMs` is not well.
 */
export function createReadiness(
  parts: readonly ReadinessCheck[],
  timeoutMs: number,
): () => Promise<Readiness> {
  let running: Promise<Readiness> | null = null
  return () => {
    running ??= askAll(parts, timeoutMs).finally(() => {
      running = null
    })
    return running
  }
}

async function askAll(parts: readonly ReadinessCheck[], timeoutMs: number): Promise<Readiness> {
  const checks = await Promise.all(
    parts.map(async (part) => {
      const reason = await askWithin(part, timeoutMs)
      if (reason === null) return { name: part.name, ok: true }
      return { name: part.name, ok: part.isNote === true, reason }
    }),
  )
  return { ready: checks.every((check) => check.ok), checks }
}

async function askWithin(part: ReadinessCheck, timeoutMs: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not answer within ${timeoutMs} ms`), timeoutMs)
  })
  try {
    return await Promise.race([part.check(), late])
  } catch {
    // Whatever it was may name hosts or paths; the part itself reports it to the log.
    return 'the check failed'
  } finally {
    clearTimeout(timer)
  }
}
