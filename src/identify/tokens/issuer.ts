// The `issuers:` of `directory.yaml`: whose tokens are believed, under which keys and for whom they speak.
// Everything that decides is pinned here; a token never chooses its own algorithm, key or audience.
import { z } from 'zod'
import { type CallerRule, callerTemplate, type FailAt, ruleName } from '../caller-rules.ts'

/** Signature algorithms a token may be verified with: asymmetric ones alone, so no key can be used as a password. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
] as const

export type TokenAlgorithm = (typeof tokenAlgorithms)[number]

export type Issuer = {
  readonly id: string
  /** The `iss` claim, letter by letter. */
  readonly url: string
  readonly algorithms: readonly TokenAlgorithm[]
  readonly audience: string
  readonly keys:
    | { readonly kind: 'url'; readonly url: string }
    /** Relative to the policies folder. */
    | { readonly kind: 'file'; readonly path: string }
  /** Oldest token taken, by its `iat`. */
  readonly maxAgeSeconds: number
  readonly clockToleranceSeconds: number
  /** How long the last good keys serve while new ones cannot be had. */
  readonly keysStaleHours: number
  /** Lifetime of a token minted for one of this issuer's. */
  readonly tokenLifetimeSeconds: number
  /** Whether a minted token may live longer than the assertion it was minted for. */
  readonly tokenOutlivesAssertion: boolean
  /** The first that fits decides. */
  readonly rules: readonly CallerRule[]
}

const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(host)

const plainUrl = z
  .string()
  .max(512)
  .refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : null
    if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  }, 'must be an https address without a credential (http on loopback alone)')

const jwksFile = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/, {
    error: 'must be a path inside the policies folder, such as `issuers/cluster.jwks.json`',
  })
  .max(256)

const claim = z.string().regex(/^[^\s{}*]{1,128}$/, 'must be a claim, dotted when nested')
const pattern = z
  .union([z.string(), z.boolean(), z.int()], 'must be the value a claim has, or what it begins with and `*`')
  .transform(String)
  .pipe(
    z
      .string()
      .min(1, 'is empty')
      .max(512)
      .refine(
        (text) => !text.slice(0, -1).includes('*'),
        'has a `*` before its end; only the last may be one',
      ),
  )
const seconds = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum)

const ruleSchema = z.strictObject({
  when: z
    .record(claim, pattern)
    .refine((when) => Object.keys(when).length > 0, 'must name a claim: an empty one would fit every token'),
  caller: callerTemplate,
  team: ruleName,
  roles: z.array(ruleName),
})

/** One issuer as written; `linkIssuers` makes it an `Issuer`. */
export const issuerSchema = z
  .strictObject({
    id: ruleName,
    issuer: plainUrl,
    algorithms: z.array(z.enum(tokenAlgorithms, `must be one of ${tokenAlgorithms.join(', ')}`)).min(1),
    audience: z.string().min(1).max(512),
    jwks_url: plainUrl.optional(),
    jwks_file: jwksFile.optional(),
    max_age_seconds: seconds(60, 90 * 86_400).default(86_400),
    clock_tolerance_seconds: seconds(0, 60).default(30),
    keys_stale_hours: z.int().min(1).max(720).default(24),
    token_lifetime_seconds: seconds(60, 86_400).default(900),
    token_outlives_assertion: z.boolean().default(false),
    callers: z.array(ruleSchema).min(1, 'must have a rule: without one nobody is let in'),
  })
  .refine((issuer) => (issuer.jwks_url === undefined) !== (issuer.jwks_file === undefined), {
    error: 'must have either `jwks_url` or `jwks_file`',
  })

/** The issuers keyed by `iss`; refuses two of one `iss`. `checkCallerRules` judges their rules. */
export function linkIssuers(
  written: readonly z.output<typeof issuerSchema>[],
  fail: FailAt,
): ReadonlyMap<string, Issuer> {
  const issuers = new Map<string, Issuer>()
  for (const [at, issuer] of written.entries()) {
    if (issuers.has(issuer.issuer)) fail(['issuers', at, 'issuer'], `repeats \`${issuer.issuer}\``)
    issuers.set(issuer.issuer, toIssuer(issuer))
  }
  return issuers
}

function toIssuer(written: z.output<typeof issuerSchema>): Issuer {
  return {
    id: written.id,
    url: written.issuer,
    algorithms: written.algorithms,
    audience: written.audience,
    keys:
      written.jwks_url === undefined
        ? { kind: 'file', path: written.jwks_file ?? '' }
        : { kind: 'url', url: written.jwks_url },
    maxAgeSeconds: written.max_age_seconds,
    clockToleranceSeconds: written.clock_tolerance_seconds,
    keysStaleHours: written.keys_stale_hours,
    tokenLifetimeSeconds: written.token_lifetime_seconds,
    tokenOutlivesAssertion: written.token_outlives_assertion,
    rules: written.callers.map(({ when, ...rule }) => ({
      ...rule,
      when: Object.entries(when).map(([name, wanted]) => ({ claim: name, pattern: wanted })),
    })),
  }
}
