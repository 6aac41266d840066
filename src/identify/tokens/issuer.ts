// The `issuers:` of `directory.yaml`: whose tokens are believed, under which keys and for whom they speak.
// Everything that decides is pinned here; a token never chooses its own algorithm, key or audience.
import { z } from 'zod'
import { namePattern } from '../name-pattern.ts'
import { claimsInTemplate, literalStart } from './caller-template.ts'

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

/** One condition: the claim is there and equals the pattern, or begins as it does when the pattern ends in `*`. */
export type ClaimCondition = { readonly claim: string; readonly pattern: string }

export type CallerRule = {
  /** All of them must hold. */
  readonly when: readonly ClaimCondition[]
  /** A caller name, maybe with `{claim}` placeholders. */
  readonly caller: string
  readonly team: string
  readonly roles: readonly string[]
}

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
const name = z
  .string()
  .regex(namePattern, 'must be lower-case letters, digits, `.`, `_` or `-`, at most 64 of them')
const callerTemplate = z
  .string()
  .max(256)
  .refine((text) => namePattern.test(text) || claimsInTemplate(text).length > 0, {
    error: 'must be a caller name, or one with placeholders such as `gh-{repository}`',
  })
  .refine((text) => claimsInTemplate(text).length === 0 || namePattern.test(literalStart(text)), {
    error: 'must begin with a name of its own before its first placeholder, such as `gh-{repository}`',
  })

const seconds = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum)

const ruleSchema = z.strictObject({
  when: z
    .record(claim, pattern)
    .refine((when) => Object.keys(when).length > 0, 'must name a claim: an empty one would fit every token'),
  caller: callerTemplate,
  team: name,
  roles: z.array(name),
})

/** One issuer as written; `linkIssuers` makes it an `Issuer`. */
export const issuerSchema = z
  .strictObject({
    id: name,
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

/** What the rest of the directory says, as far as issuers depend on it. */
export type IssuerNames = {
  readonly teams: ReadonlySet<string>
  /** Callers listed by hand. */
  readonly listed: ReadonlyMap<
    string,
    { readonly team: { readonly name: string }; readonly roles: readonly string[] }
  >
  readonly knownRoles: ReadonlySet<string>
}

/** What policy grants these roles to, for callers that are not listed. No caller can be called so. */
export function policyNameOf(roles: readonly string[]): string {
  return `@${[...new Set(roles)].sort().join('+')}`
}

type Fail = (path: readonly PropertyKey[], reason: string) => never

/** Resolves names and refuses what could be two things at once. The result is keyed by `iss`. */
export function linkIssuers(
  written: readonly z.output<typeof issuerSchema>[],
  names: IssuerNames,
  fail: Fail,
): ReadonlyMap<string, Issuer> {
  const issuers = new Map<string, Issuer>()
  const ids = new Set<string>()
  const teamOfCaller = new Map([...names.listed].map(([id, { team }]) => [id, team.name]))
  for (const [at, issuer] of written.entries()) {
    if (ids.has(issuer.id)) fail(['issuers', at, 'id'], `repeats issuer \`${issuer.id}\``)
    if (issuers.has(issuer.issuer)) fail(['issuers', at, 'issuer'], `repeats \`${issuer.issuer}\``)
    for (const [ruleAt, rule] of issuer.callers.entries()) {
      const path = ['issuers', at, 'callers', ruleAt]
      if (!names.teams.has(rule.team))
        fail([...path, 'team'], `names no team under \`teams\`: \`${rule.team}\``)
      for (const [roleAt, role] of rule.roles.entries()) {
        if (!names.knownRoles.has(role)) {
          const known = [...names.knownRoles].sort().join(', ')
          fail([...path, 'roles', roleAt], `is no role: \`${role}\`; policy.csv knows ${known}`)
        }
      }
      if (claimsInTemplate(rule.caller).length > 0) continue
      const team = teamOfCaller.get(rule.caller) ?? rule.team
      if (team !== rule.team)
        fail([...path, 'team'], `must be \`${team}\`: caller \`${rule.caller}\` is in that team already`)
      teamOfCaller.set(rule.caller, team)
      // Policy knows one caller of that name, however it identifies itself.
      const listed = names.listed.get(rule.caller)?.roles ?? rule.roles
      if (policyNameOf(listed) !== policyNameOf(rule.roles)) {
        const reason = `must be [${listed.join(', ')}], the roles of listed caller \`${rule.caller}\``
        fail([...path, 'roles'], reason)
      }
    }
    ids.add(issuer.id)
    issuers.set(issuer.issuer, toIssuer(issuer))
  }
  refuseOverlaps(written, fail)
  return issuers
}

/** Two issuers must not be able to speak for the same caller by a template: one could take the other's name. */
function refuseOverlaps(written: readonly z.output<typeof issuerSchema>[], fail: Fail): void {
  const starts = written.flatMap(({ id, callers }, at) =>
    callers.map(({ caller }, ruleAt) => ({
      id,
      caller,
      path: ['issuers', at, 'callers', ruleAt, 'caller'],
      start: literalStart(caller),
      isTemplate: claimsInTemplate(caller).length > 0,
    })),
  )
  for (const one of starts) {
    for (const other of starts) {
      if (!one.isTemplate || one.id === other.id || !overlap(one.start, other.start, other.isTemplate))
        continue
      fail(
        one.path,
        `may make the same name as \`${other.caller}\` of issuer \`${other.id}\`; begin it otherwise`,
      )
    }
  }
}

const overlap = (start: string, other: string, otherIsTemplate: boolean): boolean =>
  other.startsWith(start) || (otherIsTemplate && start.startsWith(other))

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
