// Tollgate's own short-lived tokens. One says who the issuer said it is and what it claimed, never what it may do:
// caller, team and roles are made of that anew by the directory as it is when the token is used.
import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Denial } from '../../kernel/errors.ts'
import type { VerifiedAssertion } from './assertion.ts'
import { claimsOfRules, createClaimReader } from './claims.ts'
import { refuseToken } from './refusal.ts'
import type { SigningKey } from './signing-key.ts'

/** The `iss` of our own tokens. No issuer of the directory can be called so: theirs are addresses. */
export const ownIssuer = 'tollgate'
const audience = 'gateway'
const type = 'tollgate+jwt'

const scalar = z.union([z.string(), z.number(), z.boolean()])

const originSchema = z.strictObject({
  /** Id and `iss` of the issuer: an id that was given to another issuer since means nothing. */
  issuer: z.string(),
  url: z.string(),
  subject: z.string(),
  /** What the assertion said to every claim that the rules asked for; null for what it did not say. */
  claims: z.record(z.string(), z.union([scalar, z.array(scalar), z.null()])),
})

/** Where a minted token comes from. */
export type TokenOrigin = z.output<typeof originSchema>

const payloadSchema = z.looseObject({ sub: z.string(), exp: z.number(), origin: originSchema })

/** The origin of whoever presented the assertion. */
export function originOf({ issuer, subject, claims }: VerifiedAssertion): TokenOrigin {
  const claimOf = createClaimReader(claims)
  const said = claimsOfRules(issuer).map((name): [string, TokenOrigin['claims'][string]] => {
    const value = claimOf(name)
    const one = scalar.safeParse(value)
    if (one.success) return [name, one.data]
    return [name, Array.isArray(value) ? value.flatMap((part) => scalar.safeParse(part).data ?? []) : null]
  })
  return { issuer: issuer.id, url: issuer.url, subject, claims: Object.fromEntries(said) }
}

export type MintDeps = { readonly key: SigningKey; readonly clock: Clock }

/** Mints a token for `callerId` that lives for `lifetimeSeconds` from now. */
export function mintToken(
  { key, clock }: MintDeps,
  callerId: string,
  origin: TokenOrigin,
  lifetimeSeconds: number,
): Promise<string> {
  const nowSeconds = Math.floor(clock.nowMs() / 1000)
  return new SignJWT({ origin })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: type })
    .setIssuer(ownIssuer)
    .setAudience(audience)
    .setSubject(callerId)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + lifetimeSeconds)
    .setJti(randomUUID())
    .sign(key.privateKey)
}

export type VerifiedToken = {
  readonly callerId: string
  readonly origin: TokenOrigin
  readonly expiresMs: number
}

/** Verifies a token of ours. Never rejects. */
export async function verifyOwnToken(
  { key, clock }: MintDeps,
  text: string,
): Promise<VerifiedToken | Denial> {
  try {
    const { payload, protectedHeader } = await jwtVerify(text, key.publicKey, {
      algorithms: ['EdDSA'],
      issuer: ownIssuer,
      audience,
      typ: type,
      requiredClaims: ['exp', 'iat', 'sub', 'jti'],
      currentDate: new Date(clock.nowMs()),
    })
    const read = payloadSchema.safeParse(payload)
    if (!read.success || protectedHeader.kid !== key.kid)
      return refuseToken('', 'not one that Tollgate mints')
    return { callerId: read.data.sub, origin: read.data.origin, expiresMs: read.data.exp * 1000 }
  } catch (error) {
    if (error instanceof errors.JWTExpired) return refuseToken('', 'expired', 'identify.credential_expired')
    return refuseToken('', error instanceof errors.JOSEError ? error.message : 'not verifiable')
  }
}
