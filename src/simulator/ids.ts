// Object ids in the upstream's shape: a prefix per kind and 24 characters that never repeat.

import { randomBytes } from 'node:crypto'

/** The kinds of object that carry an id, by the prefix the upstream gives them (SDK 1.12.0 examples). */
export type IdPrefix = 'agent' | 'env' | 'outc' | 'req' | 'sesn' | 'sesrsc' | 'sevt' | 'skver' | 'sthr'

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** A fresh id. Random, because ledgers outlive the simulator and must not see an id again after a restart. */
export function newId(prefix: IdPrefix): string {
  let text = ''
  for (const byte of randomBytes(20)) text += alphabet[byte % alphabet.length] ?? ''
  return `${prefix}_011C${text}`
}
