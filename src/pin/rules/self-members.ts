// An agent in its own roster runs with whatever the session overrides: not the version that was approved.
import type { PinRule } from '../rule.ts'
import { contentRule, type Definition, type Flaw } from './definitions.ts'
import { type Member, readRoster } from './roster.ts'

/** Way 11: no `{"type":"self"}` in a roster. Forced, the entry is left out where others remain. */
export const noSelfMembers: PinRule = contentRule('no_self_members', [11], (definition, at) => {
  const path = [...at, 'multiagent']
  const roster = readRoster(definition.fields['multiagent'], definition.storedMultiagent, path)
  return (roster?.members ?? []).filter((each) => isSelf(each, definition)).map(selfFlaw)
})

/** The upstream saves `self` as the reference to the very version that it saves. */
const isSelf = ({ kind, id, version }: Member, { saved }: Definition): boolean =>
  kind === 'self' || (saved !== null && kind === 'agent' && id === saved.id && version === saved.version)

function selfFlaw({ path, listed }: Member): Flaw {
  return {
    path,
    requested: 'self',
    resolved: listed > 1 ? 'left out' : '',
    what: 'is the agent itself, with what a session overrides',
    instead: 'the roster without it, or another agent by id and version in its place',
    edits: listed > 1 ? [{ kind: 'remove', path }] : null,
  }
}
