// Verifies a token of an issuer in the directory: its signature under that issuer's keys alone, then its claims.
// The token's own words choose nothing but which pinned issuer is asked.
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { Denial } from '../../kernel/errors.ts'
import type { Issuer } from './issuer.ts'
import type { KeyCache } from './key-cache.ts'
import { refuseToken } from './refusal.ts'

/** Longest token read, as the SDK bounds it. */
export const tokenLengthMax = 16 * 1024

const tokenPattern = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** Three parts with dots between them: to be read as a token, whatever comes of it. */
export function looksLikeToken(text: string): boolean {
  return tokenPattern.test(text)
}

export type VerifiedAssertion = {
  readonly issuer: Issuer
  readonly claims: JWTPayload
  readonly subject: string
  /** When it is no longer taken: its `exp` or its greatest age, whichever is first, and the tolerance. */
  readonly expiresMs: number
  /** `exp` or greatest age as they are, without the tolerance. */
  readonly endsMs: number
  readonly keyVersion: number
}

const headerSchema = z.looseObject({
  alg: z.string(),
  kid: z.string().max(512).optional(),
  typ: z.string().optional(),
})

// Members that would let the token bring or choose its key, or change how it is to be read.
const refusedMembers = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'cty', 'zip', 'enc', 'b64', 'epk', 'apu', 'apv']
// Other things are signed with the same keys: logout tokens, proofs of possession. They are not credentials.
const types: readonly (string | undefined)[] = [
  undefined,
  'jwt',
  'at+jwt',
  'application/jwt',
  'application/at+jwt',
]

/** What can be read of a token before anything is believed; a reason for the log when it is not readable. */
export function readToken(
  text: string,
): { readonly header: z.output<typeof headerSchema>; readonly iss: string } | string {
  if (text.length > tokenLengthMax) return 'longer than 16 KiB'
  if (!looksLikeToken(text)) return 'not three parts of base64url'
  try {
    const header = headerSchema.safeParse(decodeProtectedHeader(text))
    if (!header.success) return 'its header is not one of a signed token'
    const { iss } = decodeJwt(text)
    return typeof iss === 'string' ? { header: header.data, iss } : 'names no issuer'
  } catch {
    return 'not readable as a signed token'
  }
}

export type AssertionDeps = { readonly clock: Clock; readonly keys: KeyCache }

/** Verifies `text`, which `readToken` has read, as one of `issuer`'s. Never rejects. */
export async function verifyAssertion(
  { clock, keys }: AssertionDeps,
  text: string,
  header: z.output<typeof headerSchema>,
  issuer: Issuer,
): Promise<VerifiedAssertion | Denial> {
  const member = refusedMembers.find((name) => Object.hasOwn(header, name))
  if (member !== undefined) return refuseToken(issuer.id, `its header has \`${member}\``)
  if (!types.includes(header.typ?.toLowerCase()))
    return refuseToken(issuer.id, 'its `typ` is no access or identity token')
  const algorithm = issuer.algorithms.find((one) => one === header.alg)
  if (algorithm === undefined) return refuseToken(issuer.id, 'its algorithm is not among `algorithms`')
  const found = await keys.find(issuer, header.kid, algorithm)
  if (found.kind === 'unavailable')
    return refuseToken(issuer.id, 'no keys that may serve', 'identify.keys_unavailable')
  if (found.kind === 'unknown')
    return refuseToken(issuer.id, 'no one key of the issuer fits its `kid` and `alg`')
  try {
    const { payload } = await jwtVerify(text, found.key.key, {
      algorithms: [algorithm],
      issuer: issuer.url,
      audience: issuer.audience,
      clockTolerance: issuer.clockToleranceSeconds,
      maxTokenAge: issuer.maxAgeSeconds,
      requiredClaims: ['exp', 'iat', 'sub', 'aud'],
      currentDate: new Date(clock.nowMs()),
    })
    return accept(issuer, payload, found.version)
  } catch (error) {
    if (error instanceof errors.JWTExpired)
      return refuseToken(issuer.id, `expired (\`${error.claim}\`)`, 'identify.credential_expired')
    return refuseToken(
      issuer.id,
      error instanceof errors.JOSEError ? error.message : 'its key cannot be used',
    )
  }
}

function accept(issuer: Issuer, claims: JWTPayload, keyVersion: number): VerifiedAssertion | Denial {
  const { aud, sub, exp, iat } = claims
  // A token for several audiences could be played on by any of them.
  if (Array.isArray(aud) && aud.length !== 1) return refuseToken(issuer.id, 'it is for other audiences, too')
  if (typeof sub !== 'string' || sub === '' || sub.length > 512)
    return refuseToken(issuer.id, 'its `sub` is not a text of 1 to 512 characters')
  if (exp === undefined || iat === undefined) return refuseToken(issuer.id, 'it never ends')
  const endsMs = Math.min(exp, iat + issuer.maxAgeSeconds) * 1000
  const expiresMs = endsMs + issuer.clockToleranceSeconds * 1000
  return { issuer, claims, subject: sub, expiresMs, endsMs, keyVersion }
}
