// The drift and exposure report: what ran in a period otherwise than by a version that somebody chose and approved. From the
// ledger, from the upstream's own list, and from pins.yaml as it is now.
import type { Ledger } from '../../ledger/port.ts'
import {
  type ExposureSeen,
  type Period,
  readDeploymentsMadeHere,
  readExplanations,
  readExposure,
  readSessionsMadeHere,
} from '../../ledger/queries/exposure.ts'
import type { Pins } from '../../pin/pins.ts'
import { type ChangedEnvironmentsDeps, findChangedEnvironments } from './changed-environments.ts'
import { type DriftDeps, findDrift } from './drift.ts'
import type { ExposureFinding } from './finding.ts'
import { type Evidence, judgeExposure } from './judge.ts'
import { type ListedSession, listSessions, type ReadAccount } from './upstream-sessions.ts'

export type ReportDeps = ChangedEnvironmentsDeps & {
  readonly ledger: Pick<Ledger, 'query'>
  /** Brings what is in this gateway's journal into the ledger; false when it could not. Never rejects. */
  readonly flush: () => Promise<boolean>
  readonly readAccount: ReadAccount
  readonly comparePaths: DriftDeps['comparePaths']
  readonly pins: () => Pins
  readonly requirementNames: ReadonlySet<string>
  readonly nowMs: () => number
}

/** Findings of one kind, team and agent. */
export type ExposureGroup = {
  readonly finding: ExposureFinding['finding']
  readonly team: string
  readonly agent_id: string
  readonly agent_name: string
  readonly count: number
  /** Distinct sessions among them. */
  readonly sessions: number
}

export type ExposureReport = {
  readonly from: string
  readonly to: string
  readonly generated_at: string
  /** False when something could not be looked at: no finding then does not mean that there is none. */
  readonly complete: boolean
  /** What could not, a sentence each. */
  readonly problems: readonly string[]
  /** Sessions made in the period, as far as anybody knows. */
  readonly sessions: number
  /** So new that another gateway may not have told of them yet; they are not judged. */
  readonly pending: number
  readonly groups: readonly ExposureGroup[]
  /** Oldest first; the rest is counted in `left_out` and in the groups. */
  readonly findings: readonly ExposureFinding[]
  readonly left_out: number
}

const findingsMax = 10_000
/** How long another gateway may take to tell of what it let through. */
const graceMs = 300_000

/** Loads the report of a period; `toMs` is exclusive. Rejects with what the ledger throws. */
export async function loadExposureReport(deps: ReportDeps, period: Period): Promise<ExposureReport> {
  const nowMs = deps.nowMs()
  // Listed first: what is made in between is then in the ledger and not in the list, and no stranger.
  const listings = await Promise.all(
    deps.accounts.map((account) => listSessions(deps.readAccount, account, period)),
  )
  const isFlushed = await deps.flush()
  const pins = deps.pins()
  const seen = await readExposure(deps.ledger, period)
  const listed = listings.flatMap(({ sessions }) => sessions)
  const { strangers, pending } = await findStrangers(deps, listed, seen, nowMs)
  const sessions = unite(seen, listed, pending)
  const drift = await findDrift(
    { ...deps, readExplanations: (ids) => readExplanations(deps.ledger, ids) },
    listed,
  )
  const environments = await findChangedEnvironments(deps, pins, listed, sessions)
  const problems = [
    ...listings.flatMap((listing) => listing.problems),
    ...(isFlushed ? [] : ['the ledger does not have everything yet that passed this gateway']),
    ...(seen.isCut ? ['there is more in this period than one report holds; ask for less of it'] : []),
    ...drift.problems,
    ...environments.problems,
  ]
  const { requirementNames } = deps
  const evidence: Evidence = {
    ...{ sessions, seen, strangers, drifted: drift.drifted, changedEnvironments: environments.changed },
    ...{ pins, requirementNames, nowMs },
  }
  const findings = judgeExposure(evidence)
  return {
    from: new Date(period.fromMs).toISOString(),
    to: new Date(period.toMs).toISOString(),
    generated_at: new Date(nowMs).toISOString(),
    complete: problems.length === 0,
    problems,
    sessions: new Set([...listed, ...seen.sessions].map(({ session_id }) => session_id)).size,
    pending: pending.size,
    groups: group(findings),
    findings: findings.slice(0, findingsMax),
    left_out: Math.max(0, findings.length - findingsMax),
  }
}

/** What only the upstream's list has was made by a schedule, a run, or elsewhere: its team is not known. */
function unite(
  seen: ExposureSeen,
  listed: readonly ListedSession[],
  pending: ReadonlySet<string>,
): Evidence['sessions'] {
  const known = new Set(seen.sessions.map(({ session_id }) => session_id))
  const others = listed.filter(({ session_id }) => !known.has(session_id) && !pending.has(session_id))
  return [...seen.sessions, ...others.map((session) => ({ ...session, team: '', caller: '' }))]
}

/** `pending`: ids of sessions that are too new to say. */
type Strangers = { readonly strangers: Evidence['strangers']; readonly pending: ReadonlySet<string> }

/** A stamp is no proof, so it only buys the time that another gateway may need to tell. */
async function findStrangers(
  { ledger }: ReportDeps,
  listed: readonly ListedSession[],
  seen: ExposureSeen,
  nowMs: number,
): Promise<Strangers> {
  const madeHere = await readSessionsMadeHere(
    ledger,
    listed.map(({ session_id }) => session_id),
  )
  const ids = new Set(listed.map(({ session_id }) => session_id))
  // Deleted since, but somebody looked at it through here.
  const gone = seen.sessions
    .filter(({ team, session_id }) => team === '' && !ids.has(session_id))
    .map((session): ListedSession => ({ ...session, account: '', isStamped: false, snapshot: {} }))
  const unknown = [...listed.filter(({ session_id }) => !madeHere.has(session_id)), ...gone]
  const deployments = await readDeploymentsMadeHere(ledger, [
    ...new Set(unknown.map(({ deployment_id }) => deployment_id).filter((id) => id !== '')),
  ])
  const foreign = unknown.filter(({ deployment_id }) => !deployments.has(deployment_id))
  const isYoung = (session: ListedSession): boolean =>
    session.isStamped && nowMs - session.created_at_ms < graceMs
  return {
    pending: new Set(foreign.filter(isYoung).map(({ session_id }) => session_id)),
    strangers: foreign
      .filter((session) => !isYoung(session))
      .map((session) => ({
        ...session,
        origin:
          session.deployment_id === ''
            ? 'made with another key or in the console'
            : `by deployment ${session.deployment_id}, which was made elsewhere`,
      })),
  }
}

/** By kind, then team and agent, most first. */
function group(findings: readonly ExposureFinding[]): readonly ExposureGroup[] {
  const groups = new Map<
    string,
    { readonly first: ExposureFinding; count: number; readonly sessions: Set<string> }
  >()
  for (const finding of findings) {
    const key = JSON.stringify([finding.finding, finding.team, finding.agent_id])
    const known = groups.get(key) ?? { first: finding, count: 0, sessions: new Set() }
    groups.set(key, known)
    known.count += 1
    if (finding.session_id !== '') known.sessions.add(finding.session_id)
  }
  return [...groups.values()]
    .map(({ first: { finding, team, agent_id, agent_name }, count, sessions }) => ({
      ...{ finding, team, agent_id, agent_name, count, sessions: sessions.size },
    }))
    .sort((left, right) => right.count - left.count || (left.finding < right.finding ? -1 : 1))
}
