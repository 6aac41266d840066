// Rounds over all arms in one run: what disturbs the machine for a while disturbs every arm, and ratios hold.
import type { Arm, ArmName } from '../arms/arm.ts'

export type Rounds<Result> = ReadonlyMap<ArmName, readonly Result[]>

/** Measures every arm once a round, one at a time, starting with another one each round. */
export async function interleave<Result>(
  arms: readonly Arm[],
  rounds: number,
  measure: (arm: Arm) => Promise<Result>,
): Promise<Rounds<Result>> {
  const found = new Map<ArmName, Result[]>(arms.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < arms.length; turn++) {
      const arm = arms[(turn + round) % arms.length]
      if (arm !== undefined) found.get(arm.name)?.push(await measure(arm))
    }
  }
  return found
}
