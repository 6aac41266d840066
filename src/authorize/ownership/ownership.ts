// Ownership as the corridor meets it: the stamp on the way in, the check before the Permit, the edit on the way out, and
// what is learnt of what was made here. One memory behind all four.
import { ownedKindOf } from '../../upstream/owned-kinds.ts'
import { type CheckOwnership, createCheckOwnership } from './check-ownership.ts'
import { createEditAnswer, type ListFilterDeps } from './list-filter.ts'
import { createOwners, type Owners, type OwnersDeps } from './owners.ts'
import { createStamp, type Stamp } from './stamp.ts'

export type OwnershipDeps = OwnersDeps &
  Pick<ListFilterDeps, 'snapshot' | 'unownedTo'> & {
    /** False: what callers make is not stamped, and the ledger alone knows whose it is. */
    readonly stamping: boolean
  }

export type Ownership = {
  readonly stamp: Stamp
  readonly checkOwnership: CheckOwnership
  readonly editAnswer: ReturnType<typeof createEditAnswer>
  readonly learn: Owners['learn']
  /** The team that made an object, asked for another team; null when nobody knows, or nobody can say. */
  readonly teamOf: (team: string, kind: string, id: string) => Promise<string | null>
}

/** Makes all of it. Policy and directory are asked anew on every request. */
export function createOwnership(deps: OwnershipDeps): Ownership {
  const owners = createOwners(deps)
  return {
    stamp: createStamp({ isOn: deps.stamping }),
    checkOwnership: createCheckOwnership({ owners, unownedTo: deps.unownedTo }),
    editAnswer: createEditAnswer({ ...deps, owners }),
    learn: owners.learn,
    teamOf: async (team, name, id) => {
      const kind = ownedKindOf.get(name)?.kind
      if (kind === undefined) return null
      const owner = owners.known(kind, id) ?? (await owners.ask(team, kind, id))
      return typeof owner === 'string' ? null : owner.team
    },
  }
}
