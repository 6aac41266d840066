// `tollgate policy what-can`: every rule that is about one caller, in the order of the file, denials included.
import type { Command } from 'commander'
import type { PolicyRule } from '../authorize/policy-file.ts'
import type { CommandIo } from './command-io.ts'
import { nameOf } from './policy-answers.ts'
import { findFolder, findStanding, openPolicyFolder, printJson, withFolder } from './policy-folder.ts'

type WhatCanOptions = { readonly policies?: string; readonly json?: true }

/** Adds the command. Rules go to stdout: what it may, then what it may not in spite of that. */
export function addPolicyWhatCan(policy: Command, io: CommandIo): void {
  const command = policy
    .command('what-can')
    .description('list the rules that give a caller what it may do, and those that take away')
    .argument('<caller>', 'a caller of directory.yaml, or one that a rule of an issuer or trust domain makes')
    .option('--json', 'print the rules as JSON')
  withFolder(command).action(async (id: string, options: WhatCanOptions) => {
    const folder = await openPolicyFolder(findFolder(options.policies, io))
    const { sub, team, roles } = findStanding(folder, id)
    const subjects = folder.closureOf(sub, team)
    const { rules, file } = folder.policy
    const about = rules.filter(
      (rule) => (rule.sub === '*' || subjects.has(rule.sub)) && (rule.dom === '*' || rule.dom === team),
    )
    const of = (eft: PolicyRule['eft']): readonly PolicyRule[] => about.filter((rule) => rule.eft === eft)
    if (options.json) {
      const shown = about.map((rule) => ({ ...rule, rule: nameOf(file, rule.line) }))
      printJson(io, { caller: id, team, roles, subjects: [...subjects], rules: shown })
      return
    }
    const through = [...subjects].filter((sub) => sub.startsWith('role:')).join(', ') || 'no role'
    io.out(`${id} of team ${team}, through ${through}\n`)
    io.out(section('may', of('allow'), file))
    io.out(section('may not, whatever allows it', of('deny'), file))
  })
}

function section(title: string, rules: readonly PolicyRule[], file: string): string {
  if (rules.length === 0) return title === 'may' ? '\nmay do nothing: no rule is about it\n' : ''
  const widths = { action: 0, object: 0 }
  for (const { act, obj } of rules) {
    widths.action = Math.max(widths.action, act.length)
    widths.object = Math.max(widths.object, obj.length)
  }
  const lines = rules.map((rule) => {
    const what = `${rule.act.padEnd(widths.action)}  ${rule.obj.padEnd(widths.object)}`
    const where = rule.dom === '*' ? '' : ` in ${rule.dom}`
    return `  ${what}  ${nameOf(file, rule.line)} for ${rule.sub === '*' ? 'everybody' : rule.sub}${where}\n`
  })
  return `\n${title}:\n${lines.join('')}`
}
