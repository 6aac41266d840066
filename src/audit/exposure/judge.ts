// What was seen -> what of it was open: the findings of a period. Pure; nothing is asked here.
import type { ExchangeSeen, ExposureSeen, SessionSeen } from '../../ledger/queries/exposure.ts'
import type { Pins, RequirementName } from '../../pin/pins.ts'
import { type ExposureFinding, type FindingKind, tell } from './finding.ts'
import type { ListedSession } from './upstream-sessions.ts'

export type Evidence = {
  /** Made in the period: those the ledger has, and those that only the upstream's list has, whose team is ''. */
  readonly sessions: readonly SessionSeen[]
  readonly seen: Omit<ExposureSeen, 'sessions'>
  /** Sessions that the upstream lists and no request through a gateway made, with where they came from. */
  readonly strangers: readonly (ListedSession & { readonly origin: string })[]
  /** Sessions that run something that neither their version nor a request through a gateway explains, by its paths. */
  readonly drifted: readonly (ListedSession & { readonly paths: readonly string[] })[]
  /** Environments whose approval no longer fits what they are now. */
  readonly changedEnvironments: ReadonlySet<string>
  readonly pins: Pins
  readonly requirementNames: ReadonlySet<string>
  readonly nowMs: number
}

/** Every finding once, oldest first. */
export function judgeExposure(evidence: Evidence): readonly ExposureFinding[] {
  const sessions = new Map(evidence.sessions.map((session) => [session.session_id, session]))
  const all = [
    ...evidence.seen.exchanges.flatMap((exchange) => judgeExchange(exchange, sessions)),
    ...evidence.sessions.flatMap((session) => judgeSession(session, evidence)),
    ...evidence.strangers.map((stranger) => ofListed('out_of_band', stranger, stranger.origin)),
    ...evidence.drifted.map((drifted) =>
      ofListed('verified_answer', drifted, `drift ${drifted.paths.slice(0, 5).join(' ')}`),
    ),
    ...judgeVerifications(evidence, sessions),
  ]
  // What a class observed and what the request itself shows are the same thing.
  const unique = new Map<string, ExposureFinding>()
  for (const finding of all) {
    if (!isKnown(evidence, finding.finding)) continue
    const key = `${finding.finding} ${finding.session_id || `${finding.object} ${finding.request_id}`}`
    if (finding.finding === 'session_tools') unique.set(`${key} ${finding.request_id}`, finding)
    else if (!unique.has(key)) unique.set(key, finding)
  }
  return [...unique.values()].sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0))
}

const isKnown = ({ requirementNames }: Evidence, kind: string): boolean =>
  kind === 'out_of_band' || requirementNames.has(kind)

const idInPath = /^\/v1\/[a-z_]+\/([A-Za-z0-9_-]{1,128})/
const objectOf = ({ session_id, object_id, path, operation }: ExchangeSeen): string =>
  session_id || object_id || (idInPath.exec(path)?.[1] ?? operation)

type Sessions = ReadonlyMap<string, SessionSeen>

function judgeExchange(exchange: ExchangeSeen, sessions: Sessions): readonly ExposureFinding[] {
  const session = sessions.get(exchange.session_id)
  const found = (finding: FindingKind, detail: string): ExposureFinding =>
    tell({
      finding,
      team: exchange.team,
      caller: exchange.caller,
      agent_id: exchange.agent_id || (session?.agent_id ?? ''),
      agent_name: session?.agent_name ?? '',
      agent_version: session?.agent_version ?? exchange.agent_version,
      object: objectOf(exchange),
      session_id: exchange.session_id,
      at: new Date(exchange.started_at_ms).toISOString(),
      request_id: exchange.exchange_id,
      detail,
    })
  const shown = exchange.exposure.split(' ').flatMap((word) => {
    const [name = '', detail = ''] = word.split(':')
    const kind = shownBy.get(name)
    return kind === undefined ? [] : [found(kind, detail || (name === 'unpinned' ? 'latest' : name))]
  })
  return [...shown, ...readObserved(exchange.pin_findings).map(([kind, detail]) => found(kind, detail))]
}

/** A change of an environment is told by the sessions that ran in it since. */
const shownBy: ReadonlyMap<string, FindingKind> = new Map([
  ['unpinned', 'explicit_version'],
  // Whoever reads it otherwise than we do may have taken any version.
  ['unreadable', 'explicit_version'],
  ['repinned', 'deployment_version'],
  ['overrides', 'no_overrides'],
  ['session_tools', 'session_tools'],
])

/** `observe requirement path: requested -> resolved`, as the exchange record has them. */
const observedLine = /^observe ([a-z_]+) (\S+): (.*) -> .*$/

function readObserved(findings: string): readonly (readonly [RequirementName, string])[] {
  return findings.split('\n').flatMap((line) => {
    const [, name, path, requested] = observedLine.exec(line) ?? []
    // Names that are none are left out by the judge; a newer version of us may have written more.
    return isRequirement(name) ? [[name, `${path} ${requested}`] as const] : []
  })
}

const isRequirement = (name: string | undefined): name is RequirementName => name !== undefined

function judgeSession(session: SessionSeen, evidence: Evidence): readonly ExposureFinding[] {
  const { history } = evidence.seen
  const { deployment_id: deployment, environment_id: environment } = session
  // The deployment as it was when it made the session.
  const saved =
    deployment === ''
      ? undefined
      : lastBefore(
          history,
          session.created_at_ms,
          (each) => objectOf(each) === deployment && each.agent_id !== '',
        )
  const found = (finding: FindingKind, detail: string): ExposureFinding =>
    tell({
      ...{ finding, detail, request_id: '', object: session.session_id, session_id: session.session_id },
      ...{ team: session.team || (saved?.team ?? ''), caller: session.caller || (saved?.caller ?? '') },
      ...{
        agent_id: session.agent_id,
        agent_name: session.agent_name,
        agent_version: session.agent_version,
      },
      at: new Date(session.created_at_ms).toISOString(),
    })
  const why = whyNotApproved(evidence, session.agent_id, session.agent_version)
  const words = saved?.exposure.split(' ') ?? []
  const change = whyEnvironment(evidence, environment, session.created_at_ms)
  return [
    ...(why === null ? [] : [found('approved_version', why)]),
    ...(words.includes('repinned') ? [found('deployment_version', deployment)] : []),
    ...(words.includes('unpinned') ? [found('explicit_version', deployment)] : []),
    ...(change === null ? [] : [found('environment_unchanged', change)]),
  ]
}

/** What is approved is held against what is there; of the rest it is told when it was changed through here before. */
function whyEnvironment(
  { seen, pins, changedEnvironments }: Evidence,
  id: string,
  atMs: number,
): string | null {
  if (changedEnvironments.has(id)) return `${id} is not what was approved`
  if (pins.environments.has(id)) return null
  const isIt = (each: ExchangeSeen): boolean =>
    each.operation === 'environments.update' && objectOf(each) === id
  const change = lastBefore(seen.history, atMs, isIt)
  if (change === undefined) return null
  return `${id} changed by ${change.caller} at ${new Date(change.started_at_ms).toISOString()}`
}

function lastBefore(
  history: readonly ExchangeSeen[],
  atMs: number,
  isIt: (exchange: ExchangeSeen) => boolean,
): ExchangeSeen | undefined {
  return history.findLast((each) => each.started_at_ms <= atMs && isIt(each))
}

/** Null for an approved version, and for agents that pins.yaml neither approves, rejects nor names. */
function whyNotApproved({ pins, nowMs }: Evidence, id: string, version: number): string | null {
  if (pins.rejected.get(id)?.has(version) === true) return 'rejected'
  const approvals = pins.approved.get(id)
  const isNamed = pins.sensitivity.some(({ kind, subject }) => kind === 'agent' && subject === id)
  if (approvals === undefined) return isNamed || pins.rejected.has(id) ? 'approved by nobody' : null
  const approval = approvals.find((each) => each.version === version)
  if (approval === undefined) return 'approved by nobody'
  return approval.expiresAtMs !== null && approval.expiresAtMs <= nowMs ? 'no longer approved' : null
}

const ofListed = (finding: FindingKind, session: ListedSession, detail: string): ExposureFinding =>
  tell({
    ...{ finding, team: '', caller: '', detail, request_id: '' },
    ...{ agent_id: session.agent_id, agent_name: session.agent_name, agent_version: session.agent_version },
    ...{ object: session.session_id, session_id: session.session_id },
    at: new Date(session.created_at_ms).toISOString(),
  })

function judgeVerifications({ seen }: Evidence, sessions: Sessions): readonly ExposureFinding[] {
  return seen.verifications.map((found) =>
    tell({
      ...{
        finding: 'verified_answer' as const,
        team: found.team,
        caller: found.caller,
        request_id: found.exchange_id,
      },
      agent_id: found.agent_id,
      agent_name: sessions.get(found.session_id)?.agent_name ?? '',
      agent_version: found.agent_version,
      object: found.session_id || found.exchange_id,
      session_id: found.session_id,
      at: new Date(found.checked_at_ms).toISOString(),
      detail: [
        found.outcome,
        ...found.differences.slice(0, 5),
        ...(found.action === '' ? [] : [found.action]),
      ].join(' '),
    }),
  )
}
