// Whom an explanation is about: a caller by name, a team and roles made up for the question, or whoever holds a token with
// these claims. Nothing is verified here: no credential is shown, and none is needed.
import { readFileSync } from 'node:fs'
import type { Caller } from '../identify/caller.ts'
import { policyNameOf } from '../identify/caller-rules.ts'
import type { Directory } from '../identify/directory.ts'
import { standingIn } from '../identify/standing.ts'
import { callerOfClaims, createClaimReader } from '../identify/tokens/claims.ts'
import { CommandError, exitCodes } from './command-io.ts'
import { findCaller, type PolicyFolder } from './policy-folder.ts'

export type CallerOptions = {
  readonly caller?: string
  readonly roles?: readonly string[]
  readonly tokenClaims?: string
  readonly key?: string
  readonly upstreamBearer?: true
}

/** The caller that the options mean. Throws CommandError that says which name is not known. */
export function explainedCaller(folder: PolicyFolder, options: CallerOptions): Caller {
  const { caller, tokenClaims } = options
  if ((caller === undefined) === (tokenClaims === undefined)) {
    throw new CommandError('say who asks: either --caller or --token-claims', exitCodes.wrongUse)
  }
  const found =
    tokenClaims === undefined ? named(folder, caller ?? '', options) : byClaims(folder, tokenClaims)
  const scoped = options.key === undefined ? found : withKey(folder, found, options.key)
  return { ...scoped, bringsUpstreamBearer: options.upstreamBearer === true }
}

const bare = {
  keyId: '',
  costCentre: '',
  via: 'key',
  subject: '',
  scopes: null,
  expiresMs: null,
  bringsUpstreamBearer: false,
} as const

function named(folder: PolicyFolder, text: string, { roles }: CallerOptions): Caller {
  const slash = text.indexOf('/')
  const id = text.slice(slash + 1)
  if (roles !== undefined) {
    const odd = roles.find((role) => !folder.policy.roles.has(role))
    if (odd !== undefined) {
      const known = [...folder.policy.roles].sort().join(', ')
      throw new CommandError(`\`${odd}\` is no role; policy.csv knows ${known}`, exitCodes.wrongUse)
    }
    const team = slash < 0 ? findCaller(folder, id).team.name : text.slice(0, slash)
    if (!folder.teams.has(team)) throw new CommandError(`\`${team}\` is no team`, exitCodes.wrongUse)
    return { ...bare, id, team, roles, policyName: policyNameOf(roles) }
  }
  const { directory } = folder
  const asked = { id, team: slash < 0 ? '' : text.slice(0, slash), keyId: '' }
  const standing = directory === null ? null : standingIn(directory, asked)
  if (standing === null || (slash >= 0 && standing.team !== asked.team)) {
    if (slash < 0) findCaller(folder, id)
    throw new CommandError(
      `directory.yaml does not say what \`${text}\` may be; name its roles with --roles`,
      exitCodes.wrongUse,
    )
  }
  const policyName = standing.sub.slice('caller:'.length)
  const { team, roles: has } = standing
  return { ...bare, id, team, roles: has, ...(policyName === id ? {} : { policyName }) }
}

function byClaims(folder: PolicyFolder, path: string): Caller {
  const { directory } = folder
  if (directory === null) throw new CommandError('there is no directory.yaml, so no issuer is known')
  const claims = readJson(path)
  const claimOf = createClaimReader(claims)
  const issuer = directory.issuers.get(String(claimOf('iss')))
  if (issuer === undefined) {
    const known = [...directory.issuers.keys()].join(', ') || 'none'
    throw new CommandError(`the \`iss\` of these claims is no issuer of directory.yaml; there are: ${known}`)
  }
  const speaker = { via: 'jwt', subject: String(claimOf('sub') ?? ''), expiresMs: null } as const
  const found = callerOfClaims(directory, issuer, claimOf, speaker)
  if (typeof found === 'string') throw new CommandError(`nobody: ${found} (issuer \`${issuer.id}\`)`)
  return found
}

function withKey({ directory }: PolicyFolder, caller: Caller, keyId: string): Caller {
  const found = keyOf(directory, keyId)
  if (found?.caller.id !== caller.id) {
    throw new CommandError(`\`${keyId}\` is no key of caller \`${caller.id}\``, exitCodes.wrongUse)
  }
  return { ...caller, keyId, scopes: found.key.scopes }
}

const keyOf = (directory: Directory | null, id: string) => directory?.keys.get(id)

function readJson(path: string): unknown {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return value
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'not JSON'
    throw new CommandError(`cannot read \`${path}\` (${reason})`, exitCodes.wrongUse)
  }
}
