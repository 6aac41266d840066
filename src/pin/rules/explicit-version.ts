// A run names the version it is to have. Without one the upstream takes the latest, whatever somebody saved a minute ago.
import type { Examined, Finding, PinRule } from '../rule.ts'
import { type NamedAgent, nameVersion, preferredVersion, readNamedAgent, referenceTo } from './reference.ts'

/**
 * Ways 1, 2, 3 and 7: `agent` names a version in plain decimal. Forced, it names the one of the rollout, else the last
 * approved, else the latest of this moment, so that what was judged is what runs. A rejected version does not run by its
 * number either, nor as the latest: forced, it gives way to one that people chose, and to no other.
 */
export const explicitVersion: PinRule = {
  requirement: 'explicit_version',
  ways: [1, 2, 3, 7, 8],
  operations: new Set(['sessions.create', 'deployments.create', 'deployments.update']),
  examine: (request, { mode }) => {
    const named = readNamedAgent('explicit_version', request)
    if (named === null) return []
    if (named.kind === 'finding') return [named.finding]
    const preferred = preferredVersion(request, named.id)
    if (named.version !== null) {
      // Watched only, it named its version: that this one is rejected is for the report to say.
      if (mode === 'observe' || !isRejected(request, named.id, named.version)) return []
      return [finding(request, named, preferred, `\`${named.version}\` is rejected`)]
    }
    const wrong =
      named.requested === 'latest'
        ? 'no version was named'
        : `\`${named.requested}\` is not exactly a version`
    // To write down what happened, the upstream need not be asked.
    if (preferred !== null || mode === 'observe') return [finding(request, named, preferred, wrong)]
    return request.facts.agentVersion(named.id, null).then((latest) => {
      // An agent that is not there is the upstream's to refuse.
      if (latest === null) return []
      return isRejected(request, named.id, latest.version)
        ? [finding(request, named, null, `the latest, \`${latest.version}\`, is rejected`)]
        : [finding(request, named, latest.version, wrong)]
    })
  },
}

const isRejected = ({ pins }: Examined, id: string, version: number): boolean =>
  pins.rejected.get(id)?.has(version) === true

function finding(
  request: Examined,
  { id, requested }: NamedAgent,
  version: number | null,
  wrong: string,
): Finding {
  const send = version === null ? 'name one that may run' : `send \`"agent": ${referenceTo(id, version)}\``
  return {
    requirement: 'explicit_version',
    path: ['agent'],
    requested,
    resolved: version === null ? '' : String(version),
    sentence: `agent \`${id}\` needs a version and ${wrong}; ${send}`,
    edits: version === null ? null : nameVersion(request, id, version),
  }
}
