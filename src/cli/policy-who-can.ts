// `tollgate policy who-can`: everybody of the directory who may do one thing, and by which rule.
import type { Command } from 'commander'
import { showRule } from '../authorize/explain.ts'
import { objectKindOf } from '../authorize/vocabulary.ts'
import { standingOfRule, unlistedRulesOf } from '../identify/standing.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { type Answer, answerAsJson, ask, nameOf } from './policy-answers.ts'
import { findFolder, openPolicyFolder, type PolicyFolder, printJson, withFolder } from './policy-folder.ts'

type WhoCanOptions = { readonly policies?: string; readonly json?: true }

/** Adds the command. Callers go to stdout, one a line, with the rule that decides for each. */
export function addPolicyWhoCan(policy: Command, io: CommandIo): void {
  const command = policy
    .command('who-can')
    .description('list the callers who may do one thing, with the rule')
    .argument('<action>', 'such as vault.use')
    .argument('<object>', 'such as vault/vlt_01ABC, or vault/* where no one is named')
    .option('--json', 'print callers and roles as JSON')
  withFolder(command).action(async (action: string, object: string, options: WhoCanOptions) => {
    checkPair(action, object)
    const folder = await openPolicyFolder(findFolder(options.policies, io))
    const callers = callersOf(folder).map(({ id, sub, team }) => ({
      id,
      team,
      answer: ask(folder, { sub, team }, { action, object }),
    }))
    const able = callers.filter(({ answer }) => answer.decision.allowed)
    if (options.json) {
      const shown = able.map(({ id, team, answer }) => ({
        caller: id,
        team,
        ...answerAsJson(folder, answer),
      }))
      printJson(io, { action, object, callers: shown })
      return
    }
    for (const { id, team, answer } of able) io.out(`${id} (${team})  ${reasonOf(folder, answer)}\n`)
    io.err(`${able.length} of ${callers.length} callers may \`${action}\` on \`${object}\`\n`)
  })
}

/** Those listed, then those that a rule of an issuer or a trust domain makes: one for each rule. */
function callersOf({ directory }: PolicyFolder) {
  if (directory === null) return []
  const listed = [...directory.callers.values()].map(({ id, team }) => ({
    id,
    sub: `caller:${id}`,
    team: team.name,
  }))
  const made = unlistedRulesOf(directory).flatMap((rule) => {
    if (directory.callers.has(rule.caller)) return []
    const { sub, team } = standingOfRule(rule)
    return [{ id: `${rule.caller} by ${rule.sourceId}`, sub, team }]
  })
  return [...listed, ...made]
}

function reasonOf({ policy }: PolicyFolder, { decision, applicable }: Answer): string {
  const rule = applicable.find(({ line }) => nameOf(policy.file, line) === decision.rule)
  return `${decision.rule}${rule === undefined ? '' : `: ${showRule(rule)}`}`
}

/** Throws CommandError for words that nothing is ever asked with: the answer would be "nobody" for the wrong reason. */
function checkPair(action: string, object: string): void {
  const kind = objectKindOf.get(action)
  if (kind === undefined) {
    const group = action.split('.')[0] ?? ''
    const near = [...objectKindOf.keys()].filter((known) => known.startsWith(`${group}.`))
    const known = near.length > 0 ? `; there are: ${near.join(', ')}` : '; docs/capabilities.md lists them'
    throw new CommandError(`\`${action}\` is no action${known}`, exitCodes.wrongUse)
  }
  if (!object.startsWith(`${kind}/`)) {
    throw new CommandError(`\`${action}\` is asked on \`${kind}/…\`, not \`${object}\``, exitCodes.wrongUse)
  }
}
