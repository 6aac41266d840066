// Whose an object is: from memory, else from the object itself and the ledger, asked at once. Every question that memory
// cannot answer costs one read of each, whoever owns the object and whether it exists or not, so that the time an answer
// takes tells nobody anything.
import { LRUCache } from 'lru-cache'
import { memberOf } from '../../kernel/own-member.ts'
import { type OwnedKind, ownedKindOf } from '../../upstream/owned-kinds.ts'
import { createFindDream } from './dream-offspring.ts'
import { type Owner, readStamp, type TeamOwner, textOf } from './owner.ts'

/** What a GET of the upstream answered. `body` is `text` parsed, undefined when it was no JSON. */
export type UpstreamAnswer = { readonly status: number; readonly text: string; readonly body: unknown }

/**
 * Reads `path` with the credential that serves this team, in the shapes of that version of the API. Rejects when there is
 * no answer.
 */
export type ReadUpstream = (
  team: string,
  path: string,
  betas: readonly string[],
  version?: string,
) => Promise<UpstreamAnswer>

/** Who the ledger has seen create these objects, by id. Rejects when it cannot be asked. */
export type ReadOwners = (kind: OwnedKind, ids: readonly string[]) => Promise<ReadonlyMap<string, TeamOwner>>

/** `unavailable`: nobody can say right now, and nobody guesses. */
export type Found = Owner | 'missing' | 'unavailable'

export type Owners = {
  /** From memory; undefined when it is not there. */
  readonly known: (kind: OwnedKind, id: string) => Owner | undefined
  /** Asks afresh, whatever memory says; questions about one object that are under way are one. Never rejects. */
  readonly ask: (team: string, kind: OwnedKind, id: string) => Promise<Found>
  /** The owners of objects that the upstream has just listed, in order. Never rejects. */
  readonly askListed: (
    team: string,
    kind: OwnedKind,
    objects: readonly unknown[],
  ) => Promise<readonly Found[]>
  readonly learn: (kind: OwnedKind, id: string, owner: Owner) => void
}

export type OwnersDeps = {
  readonly readUpstream: ReadUpstream
  readonly readOwners: ReadOwners
  /** How many owners are remembered; 100,000, about 20 MB, unless said otherwise. */
  readonly rememberedMax?: number
  /** How long `unowned` is believed: another gateway's record of the creation may be on its way. 5 s. */
  readonly unownedMs?: number
}

type Recorded = TeamOwner | null | 'unavailable'

/** An id the upstream could have made. About anything else nobody is asked: there is nothing of that name. */
const plainId = /^[A-Za-z0-9_.-]{1,256}$/
/** A file of a session of a deployment or a dream: nothing is further from its owner. */
const parentsMax = 2

/** Makes the one memory of owners. */
export function createOwners(deps: OwnersDeps): Owners {
  const { readUpstream, readOwners, rememberedMax = 100_000, unownedMs = 5_000 } = deps
  const memory = new LRUCache<string, Owner>({ max: rememberedMax })
  const underWay = new Map<string, Promise<Found>>()
  const findDream = createFindDream(readUpstream, ownedKindOf.get('dream')?.betas ?? [])

  const known: Owners['known'] = (kind, id) => memory.get(`${kind}/${id}`)
  const learn: Owners['learn'] = (kind, id, owner) => {
    memory.set(`${kind}/${id}`, owner, owner === 'unowned' ? { ttl: unownedMs } : {})
  }

  const askOnce = (team: string, kind: OwnedKind, id: string, parents: number): Promise<Found> => {
    if (!plainId.test(id)) return Promise.resolve('missing')
    const key = `${team} ${kind}/${id}`
    const asked = underWay.get(key)
    if (asked !== undefined) return asked
    const asking = look(team, kind, id, parents)
      .catch((): Found => 'unavailable')
      .then((found) => {
        if (found !== 'missing' && found !== 'unavailable') learn(kind, id, found)
        return found
      })
      .finally(() => underWay.delete(key))
    underWay.set(key, asking)
    return asking
  }

  async function look(team: string, kind: OwnedKind, id: string, parents: number): Promise<Found> {
    const facts = ownedKindOf.get(kind)
    if (facts === undefined) return 'unavailable'
    const [answer, recorded] = await Promise.all([
      readUpstream(team, `${facts.path}/${id}`, facts.betas).catch(() => null),
      readOwners(kind, [id]).then(
        (owners): Recorded => owners.get(id) ?? null,
        (): Recorded => 'unavailable',
      ),
    ])
    if (answer?.status === 200) return ownerOf(team, kind, answer.body, recorded, parents)
    if (recorded !== null && recorded !== 'unavailable') return recorded
    return answer !== null && isMissing(answer.status) ? 'missing' : 'unavailable'
  }

  async function ownerOf(
    team: string,
    kind: OwnedKind,
    object: unknown,
    recorded: Recorded,
    parents: number,
  ): Promise<Found> {
    const said = saidBy(kind, object)
    if (said !== null) return said
    if (recorded !== null && recorded !== 'unavailable') return recorded
    // The creation was seen here, and its record is still on its way to the ledger.
    const seen = known(kind, objectIdOf(object))
    if (seen !== undefined && seen !== 'unowned') return seen
    const parent = parentOf(kind, object) ?? (await dreamOf(team, kind, object))
    if (parent !== null && parents < parentsMax) {
      const found =
        known(parent.kind, parent.id) ?? (await askOnce(team, parent.kind, parent.id, parents + 1))
      if (found !== 'missing') return found
    }
    return recorded ?? 'unowned'
  }

  async function dreamOf(team: string, kind: OwnedKind, object: unknown): Promise<Parent | null> {
    if (kind !== 'session' && kind !== 'memory_store') return null
    const id = await findDream(team, objectIdOf(object))
    return id === null ? null : { kind: 'dream', id }
  }

  async function askListed(
    team: string,
    kind: OwnedKind,
    objects: readonly unknown[],
  ): Promise<readonly Found[]> {
    const ids = objects.map((object) => objectIdOf(object))
    const open = objects.flatMap((object, at) => {
      const id = ids[at] ?? ''
      return saidBy(kind, object) === null && known(kind, id) === undefined ? [id] : []
    })
    const recorded =
      open.length === 0 ? new Map<string, TeamOwner>() : await readOwners(kind, open).catch(() => null)
    return Promise.all(
      objects.map(async (object, at): Promise<Found> => {
        const id = ids[at] ?? ''
        // What is only remembered is not learnt again: `unowned` would never be asked about any more.
        const remembered = saidBy(kind, object) === null ? known(kind, id) : undefined
        if (remembered !== undefined) return remembered
        const record = recorded === null ? 'unavailable' : (recorded.get(id) ?? null)
        const found = await ownerOf(team, kind, object, record, 0).catch((): Found => 'unavailable')
        if (found !== 'missing' && found !== 'unavailable' && id !== '') learn(kind, id, found)
        return found
      }),
    )
  }

  return { known, learn, ask: (team, kind, id) => askOnce(team, kind, id, 0), askListed }
}

/** 400: an id no object could have. */
const isMissing = (status: number): boolean => status === 404 || status === 410 || status === 400

/** What the object itself says. */
function saidBy(kind: OwnedKind, object: unknown): Owner | null {
  if (ownedKindOf.get(kind)?.hasMetadata === true) return readStamp(object)
  if (kind === 'skill' && isOfProvider(object)) return 'public'
  return null
}

/** `source` is `anthropic`, by itself or as a type. */
function isOfProvider(skill: unknown): boolean {
  const source = memberOf(skill, 'source')
  return source === 'anthropic' || textOf(source, 'type') === 'anthropic'
}

const objectIdOf = (object: unknown): string => textOf(object, 'id') ?? ''

type Parent = { readonly kind: OwnedKind; readonly id: string }

/** What made it: a run belongs to its deployment, and so does the session it starts; a session's file to the session. */
function parentOf(kind: OwnedKind, object: unknown): Parent | null {
  const id =
    kind === 'deployment_run' || kind === 'session'
      ? textOf(object, 'deployment_id')
      : kind === 'file'
        ? scopeOf(object)
        : undefined
  if (id === undefined) return null
  return { kind: kind === 'file' ? 'session' : 'deployment', id }
}

function scopeOf(file: unknown): string | undefined {
  const scope = memberOf(file, 'scope')
  return textOf(scope, 'type') === 'session' ? textOf(scope, 'id') : undefined
}
