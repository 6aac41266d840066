// A folder of policies as the `policy` commands read it: every file, what the snapshot of it decides, and who is who.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type PolicyCase, parseCases } from '../authorize/cases-file.ts'
import { grantsOf, lintPoliciesInTurns, type PolicyText } from '../authorize/load-policies.ts'
import type { Policy } from '../authorize/policy-file.ts'
import { createClosure, expandRoles } from '../authorize/roles.ts'
import { createSnapshot, type Snapshot } from '../authorize/snapshot.ts'
import { parseConfig } from '../config.ts'
import type { Caller } from '../identify/caller.ts'
import { type Directory, type DirectoryCaller, parseDirectory } from '../identify/directory.ts'
import { type Standing, standingIn } from '../identify/standing.ts'
import { PolicyFileError } from '../kernel/errors.ts'
import { type Pins, parsePins } from '../pin/pins-file.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

export type PolicyFolder = {
  readonly path: string
  readonly model: PolicyText
  readonly policyText: PolicyText
  readonly policy: Policy
  /** Null when there is no directory yet: then no team and no caller is known. */
  readonly directory: Directory | null
  readonly teams: ReadonlySet<string>
  readonly pins: Pins
  readonly cases: readonly PolicyCase[]
  readonly snapshot: Snapshot
  /** The subject itself and every role it reaches in the team. */
  readonly closureOf: (sub: string, team: string) => ReadonlySet<string>
}

/** Adds the option that every command but `check`, `test` and `diff` names its folder with. */
export function withFolder(command: Command): Command {
  return command.option('--policies <folder>', 'the folder of policies (default: the configured one)')
}

/**
 * The folder that was named, else the configured one. A configuration that is wrong elsewhere does not matter here: a
 * policy is checked where no gateway runs, too.
 */
export function findFolder(named: string | undefined, io: CommandIo): string {
  if (named !== undefined) return resolve(named)
  const result = parseConfig(io.env, io.readFile)
  return result.ok ? result.config.policiesDir : resolve(io.env['TOLLGATE_POLICIES_DIR'] || 'policies')
}

/** One file of the folder; undefined when it is not there. Throws PolicyFileError when it cannot be read. */
export function readPolicyText(folder: string, file: string): PolicyText | undefined {
  const path = join(folder, file)
  if (!existsSync(path)) return undefined
  try {
    return { file, text: readFileSync(path, 'utf8') }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    throw new PolicyFileError(file, 0, `cannot be read in \`${folder}\` (${code})`)
  }
}

/** As `readPolicyText`, and throws PolicyFileError when the file is not there. */
export function needPolicyText(folder: string, file: string): PolicyText {
  const found = readPolicyText(folder, file)
  if (found === undefined) throw new PolicyFileError(file, 0, `is not in \`${folder}\``)
  return found
}

/**
 * Reads the whole folder; `cases.csv`, `pins.yaml` and `directory.yaml` may be missing. Model and directory that are
 * missing are looked for in `elsewhere`. Rejects with PolicyFileError.
 */
export async function openPolicyFolder(path: string, elsewhere = path): Promise<PolicyFolder> {
  const model = readPolicyText(path, 'model.conf') ?? needPolicyText(elsewhere, 'model.conf')
  const policyText = needPolicyText(path, 'policy.csv')
  const policy = await lintPoliciesInTurns({ model, policy: policyText })
  const directoryText = readPolicyText(path, 'directory.yaml') ?? readPolicyText(elsewhere, 'directory.yaml')
  const directory =
    directoryText === undefined ? null : parseDirectory(directoryText.text, directoryText.file, policy.roles)
  const pinsText = readPolicyText(path, 'pins.yaml')
  const casesText = readPolicyText(path, 'cases.csv')
  const cases = casesText === undefined ? [] : parseCases(casesText.text, casesText.file)
  const teams = teamsOf(policy, directory, cases)
  const grants = directory === null ? [] : grantsOf(directory)
  return {
    path,
    model,
    policyText,
    policy,
    directory,
    teams,
    pins: parsePins(pinsText?.text ?? '', 'pins.yaml'),
    cases,
    snapshot: await createSnapshot({
      modelText: model.text,
      policyText: policyText.text,
      policy,
      teams,
      grants,
    }),
    closureOf: createClosure(expandRoles(policy.links, grants, teams)),
  }
}

/** The folder with this caller's roles granted to the name that policy knows it by, where no rule does so already. */
export async function grantTo(folder: PolicyFolder, caller: Caller): Promise<PolicyFolder> {
  const { directory, model, policy, policyText, teams } = folder
  const name = caller.policyName ?? caller.id
  const own = caller.roles.map((role) => ({ caller: name, role, team: caller.team }))
  const grants = [...(directory === null ? [] : grantsOf(directory)), ...own]
  return {
    ...folder,
    snapshot: await createSnapshot({
      modelText: model.text,
      policyText: policyText.text,
      policy,
      teams,
      grants,
    }),
    closureOf: createClosure(expandRoles(policy.links, grants, teams)),
  }
}

/** The teams of the directory; without one, the teams that rules and cases name. */
export function teamsOf(
  policy: Policy,
  directory: Directory | null,
  cases: readonly PolicyCase[],
): ReadonlySet<string> {
  if (directory !== null) return new Set(directory.teams.keys())
  const named = [...policy.rules, ...policy.links].map(({ dom }) => dom)
  return new Set([...named, ...cases.map(({ team }) => team)].filter((team) => team !== '*'))
}

/** A caller of the directory by its id. Throws CommandError that names the ones there are. */
export function findCaller({ directory, path }: PolicyFolder, id: string): DirectoryCaller {
  if (directory === null) {
    throw new CommandError(
      `there is no directory.yaml in \`${path}\`, so no caller is known`,
      exitCodes.wrongUse,
    )
  }
  const found = directory.callers.get(id)
  if (found !== undefined) return found
  const known = [...directory.callers.keys()]
  const some =
    known.length > 20 ? `${known.slice(0, 20).join(', ')}, … (${known.length} in all)` : known.join(', ')
  throw new CommandError(`\`${id}\` is no caller of directory.yaml; there are: ${some}`, exitCodes.wrongUse)
}

/** Who a caller is, listed or made by a rule; `<team>/<name>` where the name alone is not enough. Throws CommandError. */
export function findStanding(folder: PolicyFolder, text: string): Standing {
  const { directory } = folder
  const slash = text.indexOf('/')
  const asked = { id: text.slice(slash + 1), team: text.slice(0, Math.max(slash, 0)), keyId: '' }
  const found = directory === null ? null : standingIn(directory, asked)
  if (found !== null && (slash < 0 || found.team === asked.team)) return found
  const { team, roles } = findCaller(folder, text)
  return { sub: `caller:${text}`, team: team.name, roles, from: 'directory.yaml' }
}

/** Prints a value for programs. */
export function printJson(io: CommandIo, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`)
}
