// An update of a deployment that names its agent without a version pins it anew, to the latest.
import { member, textMember } from '../json-values.ts'
import type { Finding, PinRule } from '../rule.ts'
import { nameVersion, readNamedAgent, referenceTo } from './reference.ts'

/** Way 8: an update names a version or says nothing of the agent. Forced, it names the version that the deployment has. */
export const deploymentVersion: PinRule = {
  requirement: 'deployment_version',
  ways: [8],
  operations: new Set(['deployments.update']),
  examine: (request, { mode }) => {
    const named = readNamedAgent('deployment_version', request)
    if (named === null) return []
    if (named.kind === 'finding') return [named.finding]
    if (named.version !== null) return []
    const { id, requested } = named
    const finding = (version: number | null): Finding => ({
      requirement: 'deployment_version',
      path: ['agent'],
      requested,
      resolved: version === null ? '' : String(version),
      sentence: `this update would pin the deployment to the latest version of agent \`${id}\`; leave \`agent\` out, or send ${
        version === null ? 'a version with it' : `\`"agent": ${referenceTo(id, version)}\``
      }`,
      edits: version === null ? null : nameVersion(request, id, version),
    })
    if (mode === 'observe') return [finding(null)]
    return request.facts.deployment(request.params['deployment_id'] ?? '').then((deployment) => {
      const agent = member(deployment, 'agent')
      const version = member(agent, 'version')
      // Another agent than it has: nobody chose a version of that one.
      const isSame = textMember(agent, 'id') === id && typeof version === 'number'
      return deployment === null ? [] : [finding(isSame ? version : null)]
    })
  },
}
