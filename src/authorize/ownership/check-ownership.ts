// The last question before a Permit: are the objects that this request touches the caller's to touch? What it may not
// see is masked, so that the upstream answers as if it did not exist.
import type { Caller } from '../../identify/caller.ts'
import type { Denial } from '../../kernel/errors.ts'
import type { Capability } from '../permit.ts'
import type { Snapshot } from '../snapshot.ts'
import { createMask, type Mask, maskBody, maskPath } from './mask.ts'
import type { Found, Owners } from './owners.ts'
import { findTouched, type Touched, type TouchingRequest } from './touched.ts'
import { maySeeAll, type Standing, standingOf, type Viewer } from './visibility.ts'

export type OwnershipRequest = TouchingRequest & {
  readonly caller: Caller
  readonly body: Buffer | null
  /** The snapshot that judges the rest of the request. */
  readonly policy: Snapshot
}

/** What may go up: path and body as they were, or with the ids in `masks` replaced. */
export type Cleared = {
  readonly kind: 'cleared'
  readonly path: string
  readonly body: Buffer | null
  readonly masks: readonly Mask[]
}

/** The caller sees these objects, and may not do this with them. */
export type NotShared = { readonly kind: 'not_shared'; readonly capabilities: readonly Capability[] }

export type Clearance = Cleared | NotShared | Denial

/** A promise only when an owner is not known from memory. Does not reject. */
export type CheckOwnership = (request: OwnershipRequest) => Clearance | Promise<Clearance>

export type CheckOwnershipDeps = {
  readonly owners: Owners
  /** `unowned_to` of directory.yaml. */
  readonly unownedTo: () => string | null
}

/** Questions that one request may have under way at once. */
const askedAtOnceMax = 16

/** Makes the check. */
export function createCheckOwnership({ owners, unownedTo }: CheckOwnershipDeps): CheckOwnership {
  return (request) => {
    const touched = findTouched(request)
    if (touched.length === 0) return cleared(request, [])
    const viewer: Viewer = { caller: request.caller, policy: request.policy, unownedTo: unownedTo() }
    const notShared: Capability[] = []
    const open: Touched[] = []
    for (const each of touched) {
      if (maySeeAll(viewer, each.need)) continue
      const standing = fromMemory(owners, viewer, each)
      if (standing === 'hidden') open.push(each)
      else if (standing !== 'visible') notShared.push(standing)
    }
    if (open.length === 0) return settle(request, notShared, [])
    return askAll(owners, viewer, request, open, notShared)
  }
}

/** What memory hides is asked again: it must take as long as what nobody has heard of. */
function fromMemory(owners: Owners, viewer: Viewer, { kind, id, need }: Touched): Standing {
  const owner = owners.known(kind, id)
  return owner === undefined ? 'hidden' : standingOf(viewer, owner, kind, id, need)
}

async function askAll(
  owners: Owners,
  viewer: Viewer,
  request: OwnershipRequest,
  open: readonly Touched[],
  notShared: Capability[],
): Promise<Clearance> {
  const found = await inTurns(open, ({ kind, id }) => owners.ask(viewer.caller.team, kind, id))
  const hidden: Touched[] = []
  for (const [at, each] of open.entries()) {
    const owner = found[at] ?? 'unavailable'
    if (owner === 'unavailable') return unavailable
    const standing = standingOf(viewer, owner, each.kind, each.id, each.need)
    if (standing === 'hidden') hidden.push(each)
    else if (standing !== 'visible') notShared.push(standing)
  }
  return settle(request, notShared, hidden)
}

async function inTurns(
  all: readonly Touched[],
  ask: (touched: Touched) => Promise<Found>,
): Promise<readonly Found[]> {
  const found: Found[] = []
  for (let start = 0; start < all.length; start += askedAtOnceMax) {
    found.push(...(await Promise.all(all.slice(start, start + askedAtOnceMax).map(ask))))
  }
  return found
}

function settle(
  request: OwnershipRequest,
  notShared: readonly Capability[],
  hidden: readonly Touched[],
): Clearance {
  // Before what is hidden: an upstream that bears with a missing id would do the rest of the request.
  if (notShared.length > 0) return { kind: 'not_shared', capabilities: notShared }
  // A header is not masked: the one of others and the one nobody has are refused in the same words.
  if (hidden.some(({ kind, id }) => kind === 'user_profile' && id === request.userProfile))
    return profileRefused
  return cleared(request, hidden)
}

/** The same with these event ids replaced in the body: they are no events of the session that is spoken to. */
export function hideInBody({ path, body, masks }: Cleared, eventIds: readonly string[]): Cleared {
  const hidden = eventIds.map((id) => createMask('event', id))
  return {
    kind: 'cleared',
    path,
    body: body === null ? null : maskBody(body, hidden),
    masks: [...masks, ...hidden],
  }
}

function cleared({ path, body }: OwnershipRequest, hidden: readonly Touched[]): Cleared {
  if (hidden.length === 0) return { kind: 'cleared', path, body, masks: [] }
  const masks = [...new Map(hidden.map((each) => [each.id, createMask(each.kind, each.id)])).values()]
  return {
    kind: 'cleared',
    path: maskPath(path, masks),
    body: body === null ? null : maskBody(body, masks),
    masks,
  }
}

const profileRefused: Denial = {
  kind: 'denial',
  code: 'authorize.denied',
  message:
    "the user profile in `anthropic-user-profile-id` is none of your team's; leave the header out, or name one your team has",
  rule: 'hidden user_profile of a header',
}

const unavailable: Denial = {
  kind: 'denial',
  code: 'ownership.unavailable',
  message:
    'whose object this is cannot be found out right now; try again, and tell whoever runs this gateway',
  rule: '',
}
