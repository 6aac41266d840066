// From claims to a caller: the first rule of the issuer whose conditions all hold says who, in which team, as what.
// Compared letter by letter; no rule, no caller.
import type { Caller } from '../caller.ts'
import { type CallerRule, policyNameOf } from '../caller-rules.ts'
import type { Directory } from '../directory.ts'
import { claimsInTemplate, fillTemplate } from './caller-template.ts'
import type { Issuer } from './issuer.ts'

/** What a claim says; undefined when it is not there. */
export type ClaimReader = (name: string) => unknown

/** Reads claims by name, dotted for nested ones. A name that could be read in two ways reads nothing. */
export function createClaimReader(claims: unknown): ClaimReader {
  return (name) => {
    const found = readings(claims, name)
    return found.length === 1 ? found[0] : undefined
  }
}

// Names hold dots themselves (`kubernetes.io`), so every way to cut the name is tried.
function readings(value: unknown, name: string): readonly unknown[] {
  if (!isRecord(value)) return []
  const found: unknown[] = Object.hasOwn(value, name) ? [value[name]] : []
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const head = name.slice(0, dot)
    if (Object.hasOwn(value, head)) found.push(...readings(value[head], name.slice(dot + 1)))
  }
  return found
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Every claim the issuer's rules ask for, each once. */
export function claimsOfRules(issuer: Issuer): readonly string[] {
  const names = issuer.rules.flatMap(({ when, caller }) => [
    ...when.map(({ claim }) => claim),
    ...claimsInTemplate(caller),
  ])
  return [...new Set(names)]
}

/** An issuer, or whoever else has rules that make callers. */
export type RuledBy = { readonly id: string; readonly rules: readonly CallerRule[] }

export type Speaker = Pick<Caller, 'via' | 'subject' | 'expiresMs'>

/** Who the claims make of the speaker, by the directory given; a sentence for the log when nobody. */
export function callerOfClaims(
  directory: Directory,
  issuer: RuledBy,
  claimOf: ClaimReader,
  speaker: Speaker,
): Caller | string {
  const at = issuer.rules.findIndex((rule) => holds(rule, claimOf))
  const rule = issuer.rules[at]
  if (rule === undefined) return 'no rule under `callers` fits its claims'
  const id = fillTemplate(rule.caller, claimOf)
  if (id === null) return `rule ${at + 1}: its claims do not make a name of \`${rule.caller}\``
  // A name out of claims must not be the name of somebody the directory lists by hand.
  if (id !== rule.caller && directory.callers.has(id))
    return `rule ${at + 1}: makes the name of listed caller \`${id}\``
  const team = directory.teams.get(rule.team)
  if (team === undefined) return `rule ${at + 1}: its team is gone`
  return {
    id,
    team: team.name,
    roles: rule.roles,
    keyId: issuer.id,
    costCentre: team.costCentre,
    scopes: null,
    bringsUpstreamBearer: false,
    ...(directory.callers.has(id) ? {} : { policyName: policyNameOf(rule.roles) }),
    ...speaker,
  }
}

function holds({ when }: CallerRule, claimOf: ClaimReader): boolean {
  return when.every(({ claim, pattern }) => {
    const value = claimOf(claim)
    return (Array.isArray(value) ? value : [value]).some((one) => fits(one, pattern))
  })
}

function fits(value: unknown, pattern: string): boolean {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false
  const text = String(value)
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern
}
