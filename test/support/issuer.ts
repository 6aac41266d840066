// An issuer of identity tokens, as GitHub, a cluster or a cloud is one: keys, a JWKS, tokens of any shape.
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

export type Claims = { readonly [name: string]: unknown }

type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

export type SignedBy = {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: { readonly [name: string]: unknown }
}

/** A fresh key pair with a key id of its own. */
export function createIssuerKey(algorithm: Algorithm = 'ES256', kid: string = randomUUID()): SignedBy {
  const pair =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
  return { kid, algorithm, ...pair, jwk }
}

/** The text of a JWKS with these keys. */
export const jwksOf = (...keys: readonly SignedBy[]): string =>
  JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

/** Signs the claims; `header` adds to it or replaces parts of it. */
export function signToken(key: SignedBy, claims: Claims, header: Claims = {}): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey)
}

/** Header and claims as given, with any third part: what a forger can make. */
export function forgeToken(header: Claims, claims: Claims, signature = 'c2ln'): string {
  const encode = (value: Claims): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.${signature}`
}
