// An update of an agent without the version it builds on overwrites whatever somebody else has saved meanwhile.
import { lookalikeOf } from '../../upstream/lookalike.ts'
import type { Finding, PinRule } from '../rule.ts'

const names: ReadonlySet<string> = new Set(['version'])

/** Way 23: an update says which version it builds on. Forced, it says the latest of this moment, so that a race is a 409. */
export const versionGuard: PinRule = {
  requirement: 'version_guard',
  ways: [23],
  operations: new Set(['agents.update']),
  examine: (request, { mode }) => {
    const lookalike = lookalikeOf(request.parsed, names)
    const written = request.written(['version'])
    if (written !== null && /^[1-9]\d{0,14}$/.test(written) && lookalike === null) return []
    const requested = written === null || written === 'null' ? 'no version' : 'unreadable'
    const id = request.params['agent_id'] ?? ''
    const finding = (version: number | null): Finding => ({
      requirement: 'version_guard',
      path: ['version'],
      requested,
      resolved: version === null ? '' : String(version),
      sentence: `an update of agent \`${id}\` says which version it builds on; send \`"version": ${version ?? 1}\` after reading that one`,
      edits: version === null ? null : [{ kind: 'set', path: ['version'], text: String(version) }],
    })
    if (lookalike !== null || requested === 'unreadable') return [{ ...finding(null), isUnreadable: true }]
    if (mode === 'observe') return [finding(null)]
    return request.facts
      .agentVersion(id, null)
      .then((latest) => (latest === null ? [] : [finding(latest.version)]))
  },
}
