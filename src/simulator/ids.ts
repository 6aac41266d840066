// Object ids in the upstream's shape: a prefix per kind and 24 characters that never repeat. Whatever else of an answer
// is drawn by lot (tokens, host names) comes from here too, so that one seed fixes all of it.

import { createHash, randomBytes } from 'node:crypto'

/** The kinds of object that carry an id, by the prefix the upstream gives them (SDK 1.12.0 examples). */
export type IdPrefix =
  | 'agent'
  | 'env'
  | 'outc'
  | 'req'
  | 'sesn'
  | 'sesrsc'
  | 'sevt'
  | 'skver'
  | 'sthr'
  | 'work'
  | 'wfph'
  | 'wfr'
  | 'drm'
  | 'mem'
  | 'memstore'
  | 'memver'
  | 'vcrd'
  | 'vlt'
  | 'enac'
  | 'file'
  | 'skill'
  | 'tcrt'
  | 'tnl'
  | 'ttok'
  | 'uprof'
  | 'msg'
  | 'msgbatch'
  | 'srvtoolu'
  | 'toolu'
  | 'depl'
  | 'drun'
  | 'whe'
  | 'whep'

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

type Draw = (what: string, bytes: number) => Buffer

const drawRandom: Draw = (_what, bytes) => randomBytes(bytes)
let draw = drawRandom

/**
 * From now on the n-th thing of a kind is the same for the same seed, so that two simulators that are asked the same say
 * the same. Holds for the whole process; `null` goes back to chance.
 */
export function seedIds(seed: string | null): void {
  if (seed === null) {
    draw = drawRandom
    return
  }
  const drawn = new Map<string, number>()
  draw = (what, bytes) => {
    const count = (drawn.get(what) ?? 0) + 1
    drawn.set(what, count)
    return createHash('shake256', { outputLength: bytes }).update(`${seed}/${what}/${count}`).digest()
  }
}

/** A fresh id. Random unless seeded, because ledgers outlive the simulator and must not see an id again after a restart. */
export function newId(prefix: IdPrefix): string {
  let text = ''
  for (const byte of draw(prefix, 20)) text += alphabet[byte % alphabet.length] ?? ''
  return `${prefix}_011C${text}`
}

/** Bytes for a token or a name that nobody can guess; `what` says what for. */
export function newSecretBytes(what: string, bytes: number): Buffer {
  return draw(what, bytes)
}
