// A roster names versions, not "whatever is latest when this is saved", and only versions that may run.
import type { Edit, Examined, PinRule } from '../rule.ts'
import { contentRule, type Flaw } from './definitions.ts'
import { currentApprovals } from './reference.ts'
import { type Member, readRoster } from './roster.ts'

/** Ways 9 and 10: every member of every list by version, and by an approved one where the agent has approvals. */
export const rosterVersions: PinRule = contentRule(
  'roster_versions',
  [9, 10],
  async (definition, at, request) => {
    const path = [...at, 'multiagent']
    const roster = readRoster(definition.fields['multiagent'], definition.storedMultiagent, path)
    const agents = (roster?.members ?? []).filter(({ kind }) => kind === 'agent')
    const flaws = await Promise.all(
      agents.map((member) => memberFlaw(member, request, definition.saved === null)),
    )
    return flaws.filter((flaw) => flaw !== null)
  },
)

async function memberFlaw(member: Member, request: Examined, isWritten: boolean): Promise<Flaw | null> {
  const { id, version, path } = member
  // `3.0` and `2.9999999999999999999` are 3 to a double and something else to others.
  const isExact = !isWritten || request.written([...path, 'version']) === String(version)
  if (version !== null && isExact && mayRun(request, id, version)) return null
  const resolved = await versionToName(request, id)
  const requested = version === null ? 'latest' : String(version)
  const what =
    version === null
      ? `names agent \`${id}\` without a version, so the latest of that moment is saved`
      : `names version ${version} of agent \`${id}\`, which ${isExact ? 'is not approved' : 'is not exactly a version'}`
  if (resolved === null) {
    const instead = 'a version that is approved in pins.yaml; none is that the upstream knows'
    return { path, requested, resolved: '', what, instead, edits: null }
  }
  const reference = JSON.stringify({ type: 'agent', id, version: resolved })
  return {
    ...{ path, requested, resolved: String(resolved), what },
    instead: `\`${reference}\``,
    edits: [editOf(member, resolved, reference)],
  }
}

function editOf({ isBare, path }: Member, version: number, reference: string): Edit {
  if (isBare) return { kind: 'set', path, text: reference }
  return { kind: 'set', path: [...path, 'version'], text: String(version) }
}

/** Where nobody approved anything, any version that nobody rejected. */
function mayRun(request: Examined, id: string, version: number): boolean {
  const { pins } = request
  if (pins.rejected.get(id)?.has(version) === true) return false
  return (
    !pins.approved.has(id) || currentApprovals(request, id).some((approval) => approval.version === version)
  )
}

/** The rollout's stable version (a roster stays as saved, so never its canary), the newest approved, or the latest. */
async function versionToName(request: Examined, id: string): Promise<number | null> {
  const { pins, facts } = request
  const stable = pins.rollouts.get(id)?.stable
  if (stable !== undefined && mayRun(request, id, stable)) return stable
  if (pins.approved.has(id)) return currentApprovals(request, id).at(-1)?.version ?? null
  const latest = await facts.agentVersion(id, null)
  return latest !== null && mayRun(request, id, latest.version) ? latest.version : null
}
