// Virtual keys, `tg_live_<keyid>_<secret><crc>`: minting, recognising and hashing them.
// A key's text exists on the caller's side only; Tollgate keeps the key id and a peppered hash.
import { createHmac, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '../kernel/secret.ts'

/**
 * Matches a whole key and nothing else; publish it to secret scanners.
 * Underscores let one double-click select all of it; the last six characters are a CRC32.
 */
export const keyPattern = /^tg_live_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** The same key anywhere inside a longer text, e.g. a query string or a log line. */
export const keyInTextPattern = /tg_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}/

/** A key that is well formed: the pattern fits and the checksum is right. It may still be unknown. */
export type ParsedKey = {
  /** Public part: safe to print and to look up by. */
  readonly keyId: string
  readonly text: Secret
}

/** Makes a new key: 256 random bits of secret under a 71-bit random id. */
export function mintKey(): ParsedKey {
  const keyId = toBase62(randomBytes(16), 22).slice(-12)
  const body = `tg_live_${keyId}_${toBase62(randomBytes(32), 43)}`
  return { keyId, text: new Secret(body + checksum(body)) }
}

/** Recognises a key without any lookup; undefined for junk, truncated or mistyped text. */
export function parseKey(text: string): ParsedKey | undefined {
  const match = keyPattern.exec(text)
  const keyId = match?.[1]
  if (keyId === undefined) return undefined
  const body = text.slice(0, -6)
  return checksum(body) === text.slice(-6) ? { keyId, text: new Secret(text) } : undefined
}

/**
 * The form `directory.yaml` holds: `hmac-sha256:` and 64 hex digits.
 * A fast hash is right here: the secret has 256 random bits, so there is nothing to guess.
 */
export function hashKey(pepper: Secret, key: ParsedKey): string {
  return `hmac-sha256:${createHmac('sha256', pepper.reveal()).update(key.text.reveal()).digest('hex')}`
}

function checksum(body: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return toBase62(bytes, 6)
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Big-endian base 62, padded with `0` on the left to `length` characters. */
function toBase62(bytes: Buffer, length: number): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`)
  let text = ''
  while (rest > 0n) {
    text = digits.charAt(Number(rest % 62n)) + text
    rest /= 62n
  }
  return text.padStart(length, '0')
}
