// One issuer's public keys, read from the text of a JWKS. Only what verifies a signature is kept:
// private members, symmetric keys and keys for encryption never get in.
import { createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { TokenAlgorithm } from './issuer.ts'

const jwkSchema = z.object({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: z.string().max(512).exactOptional(),
  use: z.string().exactOptional(),
  key_ops: z.array(z.string()).optional(),
  alg: z.string().exactOptional(),
  n: z.string().exactOptional(),
  e: z.string().exactOptional(),
  crv: z.string().exactOptional(),
  x: z.string().exactOptional(),
  y: z.string().exactOptional(),
})

const jwksSchema = z.object({ keys: z.array(z.unknown()).max(200) })

type Jwk = z.output<typeof jwkSchema>

export type PublicKey = Pick<Jwk, 'kty' | 'crv' | 'kid' | 'alg'> & { readonly key: KeyObject }

/** The keys in a JWKS; those we cannot use are left out. Null when it is no JWKS, or none of its keys is of use. */
export function parseKeySet(text: string): readonly PublicKey[] | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const set = jwksSchema.safeParse(value)
  if (!set.success) return null
  const keys = set.data.keys.flatMap((one) => {
    const key = jwkSchema.safeParse(one)
    return key.success && verifies(key.data) ? toPublicKey(key.data) : []
  })
  return keys.length === 0 ? null : keys
}

const verifies = ({ use, key_ops: operations }: Jwk): boolean =>
  (use === undefined || use === 'sig') && (operations === undefined || operations.includes('verify'))

/** None when its numbers make no key. */
function toPublicKey(jwk: Jwk): readonly PublicKey[] {
  try {
    return [{ ...jwk, key: createPublicKey({ key: jwk, format: 'jwk' }) }]
  } catch {
    return []
  }
}

/** The one key that a header of this kid and algorithm can mean; null when none does, or more than one. */
export function pickKey(
  keys: readonly PublicKey[],
  kid: string | undefined,
  algorithm: TokenAlgorithm,
): PublicKey | null {
  const fitting = keys.filter((key) => (kid === undefined || key.kid === kid) && isFor(key, algorithm))
  return fitting.length === 1 ? (fitting[0] ?? null) : null
}

function isFor({ kty, crv, alg }: PublicKey, algorithm: TokenAlgorithm): boolean {
  if (alg !== undefined && alg !== algorithm && !(alg === 'Ed25519' && algorithm === 'EdDSA')) return false
  if (algorithm === 'EdDSA') return kty === 'OKP' && crv === 'Ed25519'
  if (algorithm === 'ES256') return kty === 'EC' && crv === 'P-256'
  if (algorithm === 'ES384') return kty === 'EC' && crv === 'P-384'
  return kty === 'RSA'
}
