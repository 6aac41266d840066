// The rules that make callers of what others say of them: claims of a token, names in a certificate.
// Judged together, because two sources must not be able to make the same caller.
import { z } from 'zod'
import { namePattern } from './name-pattern.ts'
import { claimsInTemplate, literalStart } from './tokens/caller-template.ts'

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

/** A name as the directory may hold one. */
export const ruleName = z
  .string()
  .regex(namePattern, 'must be lower-case letters, digits, `.`, `_` or `-`, at most 64 of them')

/** The name a rule gives: plain, or begun by a word of its own. */
export const callerTemplate = z
  .string()
  .max(256)
  .refine((text) => namePattern.test(text) || claimsInTemplate(text).length > 0, {
    error: 'must be a caller name, or one with placeholders such as `gh-{repository}`',
  })
  .refine((text) => claimsInTemplate(text).length === 0 || namePattern.test(literalStart(text)), {
    error: 'must begin with a name of its own before its first placeholder, such as `gh-{repository}`',
  })

/** What the rest of the directory says, as far as rules depend on it. */
export type DirectoryNames = {
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

/** Says where in the file something is wrong, and what. */
export type FailAt = (path: readonly PropertyKey[], reason: string) => never

/** Whoever speaks for callers, as written: an issuer or a trust domain. */
export type RuleSource = {
  readonly kind: 'issuer' | 'workload'
  readonly id: string
  /** Where it stands in the file. */
  readonly at: readonly PropertyKey[]
  readonly callers: readonly Pick<CallerRule, 'caller' | 'team' | 'roles'>[]
}

/** Refuses names of nothing, and whatever could be two callers or two sources at once. */
export function checkCallerRules(sources: readonly RuleSource[], names: DirectoryNames, fail: FailAt): void {
  const ids = new Set<string>()
  const teamOfCaller = new Map([...names.listed].map(([id, { team }]) => [id, team.name]))
  for (const { kind, id, at, callers } of sources) {
    // Audit names the source by its id alone.
    if (ids.has(id)) fail([...at, 'id'], `repeats ${kind} \`${id}\``)
    ids.add(id)
    for (const [ruleAt, rule] of callers.entries()) {
      const path = [...at, 'callers', ruleAt]
      checkNames(rule, path, names, fail)
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
  }
  refuseOverlaps(sources, fail)
}

function checkNames(
  { team, roles }: Pick<CallerRule, 'team' | 'roles'>,
  path: readonly PropertyKey[],
  { teams, knownRoles }: DirectoryNames,
  fail: FailAt,
): void {
  if (!teams.has(team)) fail([...path, 'team'], `names no team under \`teams\`: \`${team}\``)
  for (const [at, role] of roles.entries()) {
    if (knownRoles.has(role)) continue
    const known = [...knownRoles].sort().join(', ')
    fail([...path, 'roles', at], `is no role: \`${role}\`; policy.csv knows ${known}`)
  }
}

/** Two sources must not be able to speak for the same caller by a template: one could take the other's name. */
function refuseOverlaps(sources: readonly RuleSource[], fail: FailAt): void {
  const starts = sources.flatMap(({ kind, id, at, callers }) =>
    callers.map(({ caller }, ruleAt) => ({
      kind,
      id,
      caller,
      path: [...at, 'callers', ruleAt, 'caller'],
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
        `may make the same name as \`${other.caller}\` of ${other.kind} \`${other.id}\`; begin it otherwise`,
      )
    }
  }
}

const overlap = (start: string, other: string, otherIsTemplate: boolean): boolean =>
  other.startsWith(start) || (otherIsTemplate && start.startsWith(other))
