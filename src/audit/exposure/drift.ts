// Sessions that now run something else than their version says, though no request through a gateway changed them: somebody
// changed them elsewhere.
import type { PinFacts } from '../../pin/rule.ts'
import type { ListedSession } from './upstream-sessions.ts'

export type DriftDeps = {
  readonly factsOf: (account: string) => Pick<PinFacts, 'agentVersion'>
  /** The JSON paths at which a snapshot is not the version; null when there is no such version. */
  readonly comparePaths: (
    agentVersion: PinFacts['agentVersion'],
    session: Pick<ListedSession, 'agent_id' | 'agent_version' | 'snapshot'>,
  ) => Promise<readonly string[] | null>
  /** What requests changed in these sessions, in the words of `pin/exposure.ts`. */
  readonly readExplanations: (
    ids: readonly string[],
  ) => Promise<readonly { readonly session_id: string; readonly exposure: string }[]>
}

export type Drift = {
  readonly drifted: readonly (ListedSession & { readonly paths: readonly string[] })[]
  readonly problems: readonly string[]
}

/** Versions read anew for one report; more sessions than those of so many versions are not compared. */
const versionsMax = 500

/** Never rejects but with what `readExplanations` rejects with. */
export async function findDrift(deps: DriftDeps, sessions: readonly ListedSession[]): Promise<Drift> {
  const different: (ListedSession & { paths: readonly string[] })[] = []
  const versions = new Set<string>()
  const unread = new Set<string>()
  for (const session of sessions) {
    const { account, agent_id, agent_version } = session
    const name = `${agent_id} version ${agent_version}`
    if (unread.has(name)) continue
    versions.add(`${account} ${name}`)
    if (versions.size > versionsMax) {
      unread.add('versions beyond the first 500')
      break
    }
    try {
      const paths = await deps.comparePaths(deps.factsOf(account).agentVersion, session)
      if (paths === null) unread.add(name)
      else if (paths.length > 0) different.push({ ...session, paths })
    } catch {
      unread.add(name)
    }
  }
  const explained = await readExplained(deps, different)
  const drifted = different.flatMap((session) => {
    const paths = session.paths.filter((path) => explained.get(session.session_id)?.has(topOf(path)) !== true)
    return paths.length === 0 ? [] : [{ ...session, paths }]
  })
  const names = [...unread]
  const more = names.length > 5 ? `, and ${names.length - 5} more` : ''
  const problems =
    names.length === 0 ? [] : [`sessions could not be compared with ${names.slice(0, 5).join(', ')}${more}`]
  return { drifted, problems }
}

async function readExplained(
  deps: DriftDeps,
  sessions: readonly ListedSession[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const explained = new Map<string, Set<string>>()
  for (const { session_id, exposure } of await deps.readExplanations(
    sessions.map((each) => each.session_id),
  )) {
    const fields = explained.get(session_id) ?? new Set()
    explained.set(session_id, fields)
    for (const word of exposure.split(' ')) {
      const [name, changed = ''] = word.split(':')
      if (name === 'overrides' || name === 'session_tools')
        for (const field of changed.split('+')) fields.add(field)
      // A member that is the agent itself has what was replaced, too.
      if (name === 'overrides') fields.add('multiagent')
    }
  }
  return explained
}

const topOf = (path: string): string => path.split(/[.[]/, 1)[0] ?? ''
