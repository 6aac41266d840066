// How what is hidden answers as what is missing: the request goes up with an id that cannot exist in place of the
// hidden one, and the id comes back in the answer. So words, shape, status and order of checks are the upstream's own,
// for an object of others and for one that never was.
import { randomInt } from 'node:crypto'
import type { OwnedKind } from '../../upstream/owned-kinds.ts'
import { replaceStrings } from '../../upstream/string-tokens.ts'

/** An event of another session is hidden like an object of another team. */
export type MaskedKind = OwnedKind | 'event'

/** One hidden object. */
export type Mask = { readonly kind: MaskedKind; readonly id: string; readonly substitute: string }

// The alphabet of the upstream's own ids.
const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** Long enough that it cannot exist by chance. */
const drawnChars = 20

/** A mask for an object: the substitute keeps the id's beginning, and its length where that is long enough. */
export function createMask(kind: MaskedKind, id: string): Mask {
  const prefix = /^[a-z_]*_(?:01)?/.exec(id)?.[0] ?? ''
  const chars = Math.max(drawnChars, id.length - prefix.length)
  let drawn = ''
  while (drawn.length < chars) drawn += alphabet[randomInt(alphabet.length)] ?? ''
  return { kind, id, substitute: prefix + drawn }
}

const replacementsOf = (masks: readonly Mask[]): ReadonlyMap<string, string> =>
  new Map(masks.map(({ id, substitute }) => [id, substitute]))

/** The path and query with the substitutes in place of the hidden ids. */
export function maskPath(path: string, masks: readonly Mask[]): string {
  const replacements = replacementsOf(masks)
  const [before = '', ...rest] = path.split('?')
  const masked = before
    .split('/')
    .map((segment) => replacements.get(segment) ?? segment)
    .join('/')
  if (rest.length === 0) return masked
  const pairs = rest.join('?').split('&')
  return `${masked}?${pairs.map((pair) => maskPair(pair, replacements)).join('&')}`
}

function maskPair(pair: string, replacements: ReadonlyMap<string, string>): string {
  for (const [, value] of new URLSearchParams(pair)) {
    const substitute = replacements.get(value)
    if (substitute !== undefined) return `${pair.slice(0, pair.indexOf('='))}=${substitute}`
  }
  return pair
}

/** The body with every string value that is a hidden id replaced. */
export function maskBody(body: Buffer, masks: readonly Mask[]): Buffer {
  // One character a byte: what is not replaced stays the bytes it was.
  return Buffer.from(replaceStrings(body.toString('latin1'), replacementsOf(masks)), 'latin1')
}

/** An answer to a masked request, as it would have been without the mask. */
export function unmask(body: Buffer, masks: readonly Mask[]): Buffer {
  const text = body.toString('latin1')
  const said = masks.reduce((found, { id, substitute }) => found.replaceAll(substitute, id), text)
  return said === text ? body : Buffer.from(said, 'latin1')
}
