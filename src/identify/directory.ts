// `policies/directory.yaml`, read strictly: who exists, in which team, with which roles and keys.
// Anything unclear is an error with its line: a directory that loads half would lock out or let in the wrong people.
import { z } from 'zod'
import { runAtOnce, type Steps } from '../kernel/turns.ts'
import { openYaml, type YamlPath } from '../kernel/yaml-source.ts'
import { createAddressCheck, isRange } from './address-ranges.ts'
import { checkCallerRules, policyNameOf, type RuleSource } from './caller-rules.ts'
import { linkWorkloads, type Workloads, workloadSchema } from './certificates/workloads.ts'
import { namePattern } from './name-pattern.ts'
import { type Issuer, issuerSchema, linkIssuers } from './tokens/issuer.ts'

export type Team = {
  readonly name: string
  readonly costCentre: string
  /** Which of the configured upstreams serves it; null for the first. */
  readonly upstream: string | null
}

export type DirectoryKey = {
  readonly id: string
  /** `hmac-sha256:` and 64 hex digits, see `hashKey`. */
  readonly hash: string
  readonly createdMs: number
  readonly expiresMs: number
  /** null while the key is not revoked; may lie in the future. */
  readonly revokedMs: number | null
  /** Addresses it may be used from, as written; empty: from anywhere. */
  readonly cidrs: readonly string[]
  readonly allowsAddress: (ip: string) => boolean
  /** Actions it is limited to, e.g. `session.*`; null: whatever policy allows its caller. */
  readonly scopes: readonly string[] | null
}

export type DirectoryCaller = {
  readonly id: string
  readonly team: Team
  readonly roles: readonly string[]
  readonly keys: readonly DirectoryKey[]
}

/** A rule of an issuer or a trust domain, as policy sees it. */
export type UnlistedGrant = {
  readonly policyName: string
  readonly team: string
  readonly roles: readonly string[]
}

/** Immutable; a reload makes a new one. Every team, caller and key is reachable by its unique id. */
export type Directory = {
  readonly teams: ReadonlyMap<string, Team>
  readonly callers: ReadonlyMap<string, DirectoryCaller>
  readonly keys: ReadonlyMap<string, { readonly key: DirectoryKey; readonly caller: DirectoryCaller }>
  /** Whose tokens are believed, by their `iss`. */
  readonly issuers: ReadonlyMap<string, Issuer>
  /** Whose client certificates are believed, by trust domain. */
  readonly workloads: Workloads
  /** Roles that callers get who are not listed, and under which name policy knows these callers. */
  readonly unlistedGrants: readonly UnlistedGrant[]
  /** The team that owns objects nobody stamped; null: nobody but admins. */
  readonly unownedTo: string | null
}

const name = z
  .string()
  .regex(namePattern, 'must be lower-case letters, digits, `.`, `_` or `-`, at most 64 of them')
const instant = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date()],
    'must be a date such as `2027-01-31` or `2027-01-31T12:00:00Z`',
  )
  .transform((text) => Date.parse(text))

const cidr = z.string().refine(isRange, 'must be an address range such as `10.0.0.0/8` or `2001:db8::/32`')
const scope = z
  .string()
  .regex(/^(\*|[a-z_]+\.(\*|[a-z_]+))$/, 'must be an action such as `session.create`, or `session.*`')

const keySchema = z
  .strictObject({
    id: z.string().regex(/^[0-9A-Za-z]{12}$/, 'must be the 12 characters after `tg_live_` of the key'),
    hash: z
      .string()
      .regex(/^hmac-sha256:[0-9a-f]{64}$/, 'must be `hmac-sha256:` and 64 hex digits, never the key itself'),
    created: instant,
    expires: instant,
    revoked: instant.optional(),
    cidrs: z.array(cidr).min(1, 'must name an address range, or be left out').optional(),
    scopes: z.array(scope).min(1, 'must name an action, or be left out').optional(),
  })
  .refine((key) => key.expires > key.created, { path: ['expires'], error: 'must be later than `created`' })

const directorySchema = z.strictObject({
  unowned_to: name.nullish(),
  teams: z
    .array(z.strictObject({ name, cost_centre: z.string().min(1).max(64), upstream: name.optional() }))
    .min(1, 'must name at least one team'),
  callers: z.array(
    z.strictObject({ id: name, team: name, roles: z.array(name), keys: z.array(keySchema).default([]) }),
  ),
  issuers: z.array(issuerSchema).default([]),
  workloads: z.array(workloadSchema).default([]),
})

/** A directory word by word as the file has it; plain data, which may come from another thread. */
export type WrittenDirectory = z.output<typeof directorySchema>

type Fail = (path: YamlPath, reason: string) => never

/**
 * Parses the text of a directory; `file` is how errors name it, `knownRoles` what a caller may be given and
 * `knownUpstreams` what a team may be bound to; null where the configuration is not at hand, which checks none.
 * Throws PolicyFileError at the line of the first thing that is wrong.
 */
export function parseDirectory(
  text: string,
  file: string,
  knownRoles: ReadonlySet<string>,
  knownUpstreams: ReadonlySet<string> | null = null,
): Directory {
  return readDirectory(text, file, knownRoles, knownUpstreams).directory
}

/** `parseDirectory`, and beside what the text means what it says. */
export function readDirectory(
  text: string,
  file: string,
  knownRoles: ReadonlySet<string>,
  knownUpstreams: ReadonlySet<string> | null,
): { readonly written: WrittenDirectory; readonly directory: Directory } {
  const source = openYaml(text, file)
  const fail: Fail = source.fail
  const result = directorySchema.safeParse(source.value)
  if (!result.success) {
    const issue = result.error.issues[0]
    return fail(issue?.path ?? [], issue?.message ?? 'is not valid')
  }
  const { data: written } = result
  if (knownUpstreams !== null) checkUpstreams(written, knownUpstreams, fail)
  return { written, directory: runAtOnce(linkSteps(written, knownRoles, fail)) }
}

/** The directory that `readDirectory` found to be sound, with the same roles; may pause after every caller. */
export function linkDirectory(written: WrittenDirectory, knownRoles: ReadonlySet<string>): Steps<Directory> {
  return linkSteps(written, knownRoles, (path, reason) => {
    throw new Error(`the directory was sound when it was read, but \`${path.join('.')}\` ${reason}`)
  })
}

/** A team whose upstream is not there would be served by another account, on somebody else's bill. */
function checkUpstreams({ teams }: WrittenDirectory, known: ReadonlySet<string>, fail: Fail): void {
  for (const [at, { upstream }] of teams.entries()) {
    if (upstream === undefined || known.has(upstream)) continue
    const names = [...known].join(', ')
    fail(['teams', at, 'upstream'], `names no upstream: \`${upstream}\`; the configuration has ${names}`)
  }
}

/** Resolves names to what they name, and refuses duplicates and names of nothing. */
function* linkSteps(source: WrittenDirectory, knownRoles: ReadonlySet<string>, fail: Fail): Steps<Directory> {
  const teams = new Map<string, Team>()
  for (const [at, team] of source.teams.entries()) {
    if (teams.has(team.name)) fail(['teams', at, 'name'], `repeats team \`${team.name}\``)
    const { name: teamName, cost_centre: costCentre, upstream = null } = team
    teams.set(teamName, { name: teamName, costCentre, upstream })
  }

  const callers = new Map<string, DirectoryCaller>()
  const keys = new Map<string, { key: DirectoryKey; caller: DirectoryCaller }>()
  for (const [at, { id, roles, ...rest }] of source.callers.entries()) {
    if (callers.has(id)) fail(['callers', at, 'id'], `repeats caller \`${id}\``)
    const team = teams.get(rest.team)
    if (team === undefined)
      return fail(['callers', at, 'team'], `names no team under \`teams\`: \`${rest.team}\``)
    for (const [roleAt, role] of roles.entries()) {
      if (!knownRoles.has(role)) {
        const known = [...knownRoles].sort().join(', ')
        fail(['callers', at, 'roles', roleAt], `is no role: \`${role}\`; policy.csv knows ${known}`)
      }
    }
    const caller: DirectoryCaller = { id, team, roles, keys: rest.keys.map(toKey) }
    callers.set(id, caller)
    for (const [keyAt, key] of caller.keys.entries()) {
      if (keys.has(key.id)) fail(['callers', at, 'keys', keyAt, 'id'], `repeats key \`${key.id}\``)
      keys.set(key.id, { key, caller })
    }
    yield
  }

  const names = { teams: new Set(teams.keys()), listed: callers, knownRoles }
  checkCallerRules(ruleSources(source), names, fail)
  const issuers = linkIssuers(source.issuers, fail)
  const namedByIssuers = new Set(
    source.issuers.flatMap((issuer) => issuer.callers.map(({ caller }) => caller)),
  )
  const workloads = linkWorkloads(source.workloads, names, namedByIssuers, fail)

  const unownedTo = source.unowned_to ?? null
  if (unownedTo !== null && !teams.has(unownedTo)) fail(['unowned_to'], `names no team: \`${unownedTo}\``)
  const unlistedGrants = [...issuers.values(), ...workloads.domains.values()].flatMap(({ rules }) =>
    rules.map(({ team, roles }) => ({ policyName: policyNameOf(roles), team, roles })),
  )
  return { teams, callers, keys, issuers, workloads, unlistedGrants, unownedTo }
}

function ruleSources({ issuers, workloads }: WrittenDirectory): readonly RuleSource[] {
  return [
    ...issuers.map(({ id, callers }, at) => ({ kind: 'issuer' as const, id, at: ['issuers', at], callers })),
    ...workloads.map(({ id, callers }, at) => ({
      kind: 'workload' as const,
      id,
      at: ['workloads', at],
      callers,
    })),
  ]
}

function toKey(key: z.output<typeof keySchema>): DirectoryKey {
  const { id, hash, created, expires, revoked, cidrs = [], scopes = null } = key
  const allowsAddress = createAddressCheck(cidrs)
  return {
    id,
    hash,
    createdMs: created,
    expiresMs: expires,
    revokedMs: revoked ?? null,
    cidrs,
    allowsAddress,
    scopes,
  }
}
