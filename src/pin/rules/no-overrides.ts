// An override replaces a part of the version that was pinned, and the answer still names that version.

import { shorten } from '../json-values.ts'
import type { Finding, PinRule } from '../rule.ts'
import { readNamedAgent, referenceTo } from './reference.ts'

/** Ways 3 and 4: `agent_with_overrides` overrides nothing but the fields in `allow`. Forced, the others are left out. */
export const noOverrides: PinRule = {
  requirement: 'no_overrides',
  ways: [3, 4],
  operations: new Set(['sessions.create', 'deployments.create', 'deployments.update']),
  examine: (request, { allow }) => {
    const named = readNamedAgent('no_overrides', request)
    if (named === null) return []
    if (named.kind === 'finding') return [named.finding]
    const { id, overrides, version } = named
    const example = version === null ? '' : `; send \`"agent": ${referenceTo(id, version)}\``
    return overrides
      .filter((key) => !allow.includes(key))
      .map((key): Finding => {
        const path = ['agent', key]
        const sentence = `agent \`${id}\` runs as saved, without overrides of \`${shorten(key)}\`${example}`
        return {
          requirement: 'no_overrides',
          ...{ path, requested: shorten(`override ${key}`), resolved: 'left out', sentence },
          edits: [{ kind: 'remove', path }],
        }
      })
  },
}
