// The identity token of a workload: a JWT that its own platform signed. Its form and times are always checked, its
// signature when the simulator was told which issuers to trust.

import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { GrantError } from './grant-error.ts'

/** An issuer whose identity tokens are taken. */
export type TrustedIssuer = {
  /** The `iss` of its tokens, exactly. */
  readonly issuer: string
  /** What verifies them: a PEM text or a JWK. RS256, ES256 and EdDSA are known. */
  readonly publicKey: string | JsonWebKey
  /** When given, `aud` must be or contain it. */
  readonly audience?: string
}

/** The longest assertion the token endpoint reads (SDK 1.12.0 lib/credentials/oidc-federation). */
const assertionBytesMax = 16 * 1024
/** How far the clocks of an issuer and ours may stand apart. */
const leewaySeconds = 60

const headerSchema = z.looseObject({ alg: z.string() })
const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().min(1),
  exp: z.number(),
  nbf: z.number().optional(),
  iat: z.number().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
})
type Claims = z.infer<typeof claimsSchema>

function decode<T>(schema: z.ZodType<T>, part: string, name: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(part, 'base64url').toString()))
  } catch {
    throw new GrantError(400, 'invalid_grant', `the assertion is not a JWT: its ${name} cannot be read`)
  }
}

/** The key of a trusted issuer. Throws when it is neither a PEM text nor a JWK. */
export const readPublicKey = (key: string | JsonWebKey): KeyObject =>
  typeof key === 'string' ? createPublicKey(key) : createPublicKey({ key, format: 'jwk' })

function isSigned(algorithm: string, signed: string, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64url')
  const data = Buffer.from(signed)
  // The algorithm is the token's own word: it must be one that fits the kind of key.
  if (algorithm === 'RS256' && key.asymmetricKeyType === 'rsa') return verify('sha256', data, key, bytes)
  if (algorithm === 'ES256' && key.asymmetricKeyType === 'ec') {
    return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, bytes)
  }
  return algorithm === 'EdDSA' && key.asymmetricKeyType === 'ed25519' && verify(null, data, key, bytes)
}

function checkTimes(claims: Claims, nowMs: number): void {
  const nowSeconds = nowMs / 1000
  if (claims.exp <= nowSeconds) throw new GrantError(401, 'invalid_grant', 'the assertion has expired')
  if (Math.max(claims.nbf ?? 0, claims.iat ?? 0) > nowSeconds + leewaySeconds) {
    throw new GrantError(401, 'invalid_grant', 'the assertion is not valid yet')
  }
}

/**
 * Who an assertion speaks for: its issuer and subject. With `issuers` it must be signed by one of them; without,
 * any issuer is believed. Throws a `GrantError`: 400 when it is no JWT, 401 when it is not to be trusted.
 */
export function readAssertion(
  assertion: string,
  issuers: readonly TrustedIssuer[] | undefined,
  nowMs: number,
): string {
  if (assertion.length > assertionBytesMax) {
    throw new GrantError(400, 'invalid_request', `assertion: at most ${assertionBytesMax} bytes`)
  }
  const [head = '', payload = '', signature = '', ...rest] = assertion.split('.')
  if (rest.length > 0 || signature === '') {
    throw new GrantError(400, 'invalid_grant', 'the assertion is not a JWT of three parts')
  }
  const { alg } = decode(headerSchema, head, 'header')
  const claims = decode(claimsSchema, payload, 'claims')
  if (issuers !== undefined) {
    const trusted = issuers.find(({ issuer }) => issuer === claims.iss)
    if (
      trusted === undefined ||
      !isSigned(alg, `${head}.${payload}`, signature, readPublicKey(trusted.publicKey))
    ) {
      throw new GrantError(401, 'invalid_grant', 'the assertion matches no federation rule')
    }
    const audiences = [claims.aud ?? []].flat()
    if (trusted.audience !== undefined && !audiences.includes(trusted.audience)) {
      throw new GrantError(401, 'invalid_grant', 'the assertion is for another audience')
    }
  }
  checkTimes(claims, nowMs)
  return `${claims.iss}#${claims.sub}`
}
