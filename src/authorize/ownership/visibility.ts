// Whose objects a caller may see, use and change: its team's, and what the policy shares with it.

import type { Caller } from '../../identify/caller.ts'
import type { OwnedKind } from '../../upstream/owned-kinds.ts'
import type { Capability } from '../permit.ts'
import { subjectOf } from '../roles.ts'
import type { Snapshot } from '../snapshot.ts'
import { type Owner, unownedTeam } from './owner.ts'
import type { Need } from './touched.ts'

/** Who asks, by which policy, and whose things that nobody stamped are. */
export type Viewer = {
  readonly caller: Caller
  readonly policy: Snapshot
  /** `unowned_to` of directory.yaml. */
  readonly unownedTo: string | null
}

/** `hidden`: to this caller it does not exist. A capability: it may see it, and needs this one for more. */
export type Standing = 'visible' | 'hidden' | Capability

/** Every request asks; a snapshot never changes its answer. */
const remembered = new WeakMap<Snapshot, Map<string, boolean>>()
const rememberedMax = 10_000

/** True when whose it is makes no difference to this caller. */
export function maySeeAll({ caller, policy }: Viewer, need: Need): boolean {
  const answers = remembered.get(policy) ?? new Map<string, boolean>()
  remembered.set(policy, answers)
  const question = `${need} ${caller.team} ${caller.id}`
  const known = answers.get(question)
  if (known !== undefined) return known
  const answer = policy.allowsAll(subjectOf(caller), caller.team, `visibility.${need}`, 'owner')
  if (answers.size < rememberedMax) answers.set(question, answer)
  return answer
}

/** How an object of this owner stands to the caller. */
export function standingOf(
  viewer: Viewer,
  owner: Owner | 'missing',
  kind: OwnedKind,
  id: string,
  need: Need,
): Standing {
  if (owner === 'missing') return 'hidden'
  if (owner === 'public') return 'visible'
  const { caller, policy } = viewer
  const team = owner === 'unowned' ? (viewer.unownedTo ?? unownedTeam) : owner.team
  if (team === caller.team) return 'visible'
  const object = `owner/${team}/${kind}/${id}`
  const may = (each: Need): boolean =>
    policy.decide(subjectOf(caller), caller.team, `visibility.${each}`, object).allowed
  if (may(need)) return 'visible'
  return need !== 'read' && may('read') ? { action: `visibility.${need}`, object } : 'hidden'
}
