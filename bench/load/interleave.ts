// Rounds over all arms in one run: what disturbs the machine for a while disturbs every arm, and ratios hold.
import type { Arm, ArmName } from '../arms/arm.ts'
import type { Run } from '../run/run.ts'

/** What each arm gave, one entry a round; null for a round in which it failed. */
export type Rounds<Result> = ReadonlyMap<ArmName, readonly (Result | null)[]>

/** After so many failures in a row an arm is not asked again: each may have cost a minute. */
const failuresMax = 2

/**
 * Measures every arm once a round, one at a time, starting with another one each round. A failure is noted as one of
 * `what`; the other arms go on.
 */
export async function interleave<Result>(
  run: Run,
  { what, arms, rounds }: { readonly what: string; readonly arms: readonly Arm[]; readonly rounds: number },
  measure: (arm: Arm) => Promise<Result>,
): Promise<Rounds<Result>> {
  const found = new Map<ArmName, (Result | null)[]>(arms.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < arms.length; turn++) {
      const arm = arms[(turn + round) % arms.length]
      const results = arm === undefined ? undefined : found.get(arm.name)
      if (arm === undefined || results === undefined) continue
      results.push(hasGivenUp(results) ? null : await attempt(run, arm, what, () => measure(arm)))
    }
  }
  return found
}

/** null when it failed, which is noted. */
export async function attempt<Result>(
  run: Run,
  arm: Arm,
  what: string,
  measure: () => Promise<Result>,
): Promise<Result | null> {
  try {
    return await measure()
  } catch (error) {
    run.failed(arm.name, what, error)
    return null
  }
}

function hasGivenUp(results: readonly unknown[]): boolean {
  return results.length >= failuresMax && results.slice(-failuresMax).every((result) => result === null)
}
