// What runs is on the approved list: not expired, not rejected, and its content is what somebody approved.
import { isAgentNamed } from '../classify.ts'
import { hashAgent, resolveAgent } from '../config-hash.ts'
import { isObject, type JsonObject, member, shorten, textMember } from '../json-values.ts'
import type { Approval } from '../pins.ts'
import type { Examined, Finding, JsonPath, PinRule } from '../rule.ts'
import { currentApprovals, nameVersion, preferredVersion, readNamedAgent, referenceTo } from './reference.ts'

const runs: ReadonlySet<string> = new Set(['sessions.create', 'deployments.create', 'deployments.update'])
const writes: ReadonlySet<string> = new Set(['agents.create', 'agents.update'])

/**
 * Ways 1, 2, 7, 8 and 9: the version that would run is approved; so is the one a deployment has that is run or moved,
 * and every roster member that pins.yaml names. Forced, a run names the version of the rollout or the last approved.
 */
export const approvedVersion: PinRule = {
  requirement: 'approved_version',
  ways: [1, 2, 3, 7, 8, 9],
  operations: new Set([...runs, ...writes, 'deployments.run']),
  examine: (request) => {
    const { operation, parsed } = request
    if (writes.has(operation.id)) return examineRoster(request, parsed['multiagent'], ['multiagent'], null)
    if (operation.id === 'deployments.run') return examineStored(request)
    const named = readNamedAgent('approved_version', request)
    if (named === null) return operation.id === 'deployments.update' ? examineStored(request) : []
    if (named.kind === 'finding') return [named.finding]
    return examineRun(request, named.id, named.version, named.requested)
  },
}

type Findings = readonly Finding[] | Promise<readonly Finding[]>

function examineRun(request: Examined, id: string, version: number | null, requested: string): Findings {
  const approval = currentApprovals(request, id).find((each) => each.version === version)
  if (approval === undefined || version === null)
    return offerOther(request, id, requested, whyNot(request, id, version))
  const carried = (): Findings => examineCarried(request, id, version)
  if (approval.configHash === null) return carried()
  return hasContent(request, id, approval).then((isSame) => {
    if (isSame) return carried()
    const why = `what version ${version} says is not what was approved (${approval.rule})`
    return offerOther(request, id, requested, why)
  })
}

/** Null: nobody can say what it is, which is the upstream's to refuse. */
async function hasContent(request: Examined, id: string, approval: Approval): Promise<boolean> {
  const resolved = await resolveAgent(request.facts.agentVersion, id, approval.version)
  return resolved === null || hashAgent(resolved) === approval.configHash
}

/** Another version that is approved, with content that is. The last of the file first. */
async function offerOther(
  request: Examined,
  id: string,
  requested: string,
  why: string,
): Promise<readonly Finding[]> {
  const preferred = preferredVersion(request, id)
  const approvals = [...currentApprovals(request, id)].reverse()
  const inOrder = [
    ...approvals.filter(({ version }) => version === preferred),
    ...approvals.filter(({ version }) => version !== preferred),
  ]
  for (const approval of inOrder) {
    if (approval.configHash !== null && !(await hasContent(request, id, approval))) continue
    return [found(request, { id, requested, why, version: approval.version })]
  }
  return [found(request, { id, requested, why, version: null })]
}

function whyNot({ pins, nowMs }: Examined, id: string, version: number | null): string {
  if (version === null) return 'no version was named'
  if (pins.rejected.get(id)?.has(version) === true) return `\`${version}\` is rejected`
  const approval = pins.approved.get(id)?.find((each) => each.version === version)
  const isExpired = approval !== undefined && approval.expiresAtMs !== null && approval.expiresAtMs <= nowMs
  return isExpired
    ? `the approval of \`${version}\` has expired (${approval.rule})`
    : `\`${version}\` is not approved`
}

type NotApproved = {
  readonly id: string
  readonly requested: string
  readonly why: string
  readonly version: number | null
}

function found(request: Examined, { id, requested, why, version }: NotApproved): Finding {
  const send =
    version === null
      ? 'no approved version of it can run; ask whoever reviews policies/pins.yaml to approve one'
      : `send \`"agent": ${referenceTo(id, version)}\``
  return {
    requirement: 'approved_version',
    path: ['agent'],
    requested,
    resolved: version === null ? '' : String(version),
    sentence: `agent \`${id}\` needs an approved version and ${why}; ${send}`,
    edits: version === null ? null : nameVersion(request, id, version),
  }
}

/** What the deployment has already would run, or go on running elsewhere. */
async function examineStored(request: Examined): Promise<readonly Finding[]> {
  const deployment = await request.facts.deployment(request.params['deployment_id'] ?? '')
  const agent = member(deployment, 'agent')
  const [id, version] = [textMember(agent, 'id'), member(agent, 'version')]
  if (id === undefined || typeof version !== 'number') return []
  const findings = await examineRun(request, id, version, String(version))
  return findings.map((finding) => ({
    ...finding,
    sentence: `the deployment has version ${version}: ${finding.sentence} in an update of the deployment`,
    // A run has no body, and an update that says nothing of the agent must not begin to.
    edits: null,
    resolved: '',
  }))
}

/** The roster that the version brings along: saved long ago, perhaps, by somebody nobody asked. */
async function examineCarried(request: Examined, id: string, version: number): Promise<readonly Finding[]> {
  const saved = await request.facts.agentVersion(id, version)
  if (saved === null) return []
  return examineRoster(request, saved.config['multiagent'], ['agent'], `agent \`${id}\` version ${version}`)
}

/** Members that pins.yaml names; what holds them is null for a roster that the body itself writes. */
function examineRoster(
  request: Examined,
  roster: unknown,
  path: JsonPath,
  holder: string | null,
): readonly Finding[] {
  return membersOf(roster, path).flatMap(({ id, version, written, at }): readonly Finding[] => {
    if (!isAgentNamed(request.pins, id)) return []
    const current = currentApprovals(request, id)
    const asWritten = holder === null && written ? request.written([...at, 'version']) : String(version)
    const isPlain = version !== null && asWritten === String(version)
    if (isPlain && current.some((approval) => approval.version === version)) return []
    const last = current.at(-1)?.version ?? null
    const example = last === null ? '' : referenceTo(id, last)
    const send = last === null ? 'no version of it is approved' : `name it as ${example}`
    const what = holder === null ? '' : `${holder} carries it: save a version with an approved one; `
    return [
      {
        requirement: 'approved_version',
        path: holder === null ? at : path,
        requested: version === null ? 'latest' : shorten(String(version)),
        resolved: holder === null && last !== null ? String(last) : '',
        sentence: `agent \`${shorten(id)}\` needs an approved version in a roster too; ${what}${send}`,
        edits: holder === null && last !== null ? [{ kind: 'set', path: at, text: example }] : null,
      },
    ]
  })
}

type Member = {
  readonly id: string
  readonly version: number | null
  /** Whether the body writes it as an object. */
  readonly written: boolean
  readonly at: JsonPath
}

const idLike = /^[A-Za-z0-9_-]{1,128}$/

/** Every text that may be an agent's id, and every object with one, wherever in the roster it stands. */
function membersOf(value: unknown, at: JsonPath): readonly Member[] {
  if (typeof value === 'string')
    return idLike.test(value) ? [{ id: value, version: null, written: false, at }] : []
  if (Array.isArray(value)) return value.flatMap((item, index) => membersOf(item, [...at, index]))
  if (!isObject(value)) return []
  const own = readMember(value, at)
  const nested = Object.entries(value).flatMap(([key, inner]) =>
    own !== null && key === 'id' ? [] : membersOf(inner, [...at, key]),
  )
  return own === null ? nested : [own, ...nested]
}

function readMember(value: JsonObject, at: JsonPath): Member | null {
  const [id, version] = [textMember(value, 'id'), member(value, 'version')]
  if (id === undefined || !idLike.test(id)) return null
  return { id, version: typeof version === 'number' ? version : null, written: true, at }
}
