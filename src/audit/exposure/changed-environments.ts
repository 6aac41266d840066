// Environments have no versions: what is approved is what one was, and what it is now must be asked.
import type { Pins } from '../../pin/pins.ts'
import type { PinFacts } from '../../pin/rule.ts'
import type { ListedSession } from './upstream-sessions.ts'

export type ChangedEnvironmentsDeps = {
  /** Names of the upstream accounts. */
  readonly accounts: readonly string[]
  readonly factsOf: (account: string) => Pick<PinFacts, 'agentVersion' | 'environment'>
  readonly hashEnvironment: (environment: { readonly [key: string]: unknown }) => string
}

/** Which approved environments that these sessions use are not as approved. Never rejects. */
export async function findChangedEnvironments(
  deps: ChangedEnvironmentsDeps,
  pins: Pins,
  listed: readonly ListedSession[],
  sessions: readonly { readonly environment_id: string }[],
): Promise<{ readonly changed: ReadonlySet<string>; readonly problems: readonly string[] }> {
  const used = new Set(sessions.map(({ environment_id }) => environment_id))
  const changed = new Set<string>()
  const problems: string[] = []
  for (const [id, { configHash }] of pins.environments) {
    if (!used.has(id)) continue
    const accounts = new Set([
      ...listed.filter((each) => each.environment_id === id).map(({ account }) => account),
      ...deps.accounts,
    ])
    try {
      const found = await findEnvironment(deps, accounts, id)
      if (found !== null && deps.hashEnvironment(found) !== configHash) changed.add(id)
    } catch {
      problems.push(`environment ${id} could not be read, so whether it is as approved is not known`)
    }
  }
  return { changed, problems }
}

async function findEnvironment(
  { factsOf }: ChangedEnvironmentsDeps,
  accounts: ReadonlySet<string>,
  id: string,
) {
  for (const account of accounts) {
    const found = await factsOf(account).environment(id)
    if (found !== null) return found
  }
  return null
}
