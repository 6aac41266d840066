// `tollgate policy replay`: the decisions of the last days, judged again by another folder of policies.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { z } from 'zod'
import { readCapabilities } from '../authorize/capability-text.ts'
import { type Deciding, decideOn, isInScope, type Subject } from '../authorize/decide.ts'
import type { Capability } from '../authorize/permit.ts'
import type { Directory } from '../identify/directory.ts'
import { standingIn } from '../identify/standing.ts'
import { loadCandidate, loadPolicies } from '../policies.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { findFolder, printJson } from './policy-folder.ts'
import { counted, decisionsAnswer, fetchHistory, type HistoryOptions, withHistory } from './policy-history.ts'

type Decision = z.output<typeof decisionsAnswer>['decisions'][number]
type ReplayOptions = HistoryOptions & { readonly candidate?: string; readonly policies?: string }

/** What judges again. */
export type Judging = { readonly snapshot: Deciding; readonly directory: Directory }

/** One way in which decisions would change, with how many. */
export type ReplayedChange = {
  readonly caller: string
  readonly team: string
  readonly operation: string
  readonly now: 'allowed' | 'denied'
  /** What decides: the first pair that is refused, or was. */
  readonly action: string
  readonly object: string
  readonly rule: string
  readonly count: number
}

/** How the decisions would come out. */
export type Replay = {
  readonly changes: readonly ReplayedChange[]
  readonly same: number
  readonly changed: number
  /** Callers that the directory lists no more and no rule of an issuer or trust domain makes, or several could. */
  readonly unknownCaller: number
}

/** Adds the command. Exit code 0 also when something would change: that is an answer, not a failure. */
export function addPolicyReplay(policy: Command, io: CommandIo): void {
  const command = policy
    .command('replay')
    .description('judge the recorded decisions again by other policies, and print what would change')
    .option(
      '--candidate <folder>',
      'a folder of policies, a preset, say (default: candidate/ over those in force)',
    )
    .option('--policies <folder>', 'the folder of those in force (default: the configured one)')
  withHistory(command).action(async (options: ReplayOptions) => {
    const judging = await openJudging(options, io)
    const answer = await fetchHistory('decisions', decisionsAnswer, options, io)
    const replay = replayDecisions(answer.decisions, judging)
    const skipped = { unrecorded: answer.unrecorded, left_out: answer.left_out }
    if (options.json) return printJson(io, { from: answer.from, to: answer.to, ...replay, ...skipped })
    for (const change of replay.changes) io.out(`${describeReplayed(change)}\n`)
    io.err(
      `${replay.changed} of ${counted(replay.changed + replay.same, 'decision')} since ${answer.from} would change\n`,
    )
    for (const [count, reason] of [
      [answer.unrecorded, 'what was asked is not recorded whole'],
      [replay.unknownCaller, 'directory.yaml does not say who the caller is'],
      [answer.left_out, 'the answer would be too long'],
    ] as const) {
      if (count > 0) io.err(`${counted(count, 'decision')} skipped: ${reason}\n`)
    }
  })
}

function openJudging({ candidate, policies }: ReplayOptions, io: CommandIo): Promise<Judging> {
  const folder = findFolder(policies, io)
  if (candidate !== undefined) return loadPolicies(candidate, folder)
  if (existsSync(join(folder, 'candidate'))) return loadCandidate(folder)
  throw new CommandError(
    `there is no \`candidate\` in \`${folder}\`; make it with the files that differ, or name a folder with --candidate`,
    exitCodes.wrongUse,
  )
}

/** Judges every decision again and groups what would come out otherwise, most frequent first. Pure. */
export function replayDecisions(decisions: readonly Decision[], judging: Judging): Replay {
  const changes = new Map<string, ReplayedChange>()
  let same = 0
  let changed = 0
  let unknownCaller = 0
  for (const decision of decisions) {
    const { caller, operation, count } = decision
    const capabilities = readCapabilities(decision.capabilities)
    const named = { id: caller, team: decision.team, keyId: decision.key_id }
    const found = standingIn(judging.directory, named)
    if (capabilities === null || found === null) {
      unknownCaller += count
      continue
    }
    const { team } = found
    const verdict = judgeAgain(judging, decision, found, capabilities)
    if (verdict.allowed === decision.allowed) {
      same += count
      continue
    }
    changed += count
    const now = verdict.allowed ? 'allowed' : 'denied'
    // A run has an id of its own: what is said of a hundred sessions is one thing.
    const key = [caller, operation, now, verdict.action, verdict.rule].join('\n')
    const known = changes.get(key)?.count ?? 0
    const { action, object, rule } = verdict
    const first = changes.get(key)?.object ?? object
    changes.set(key, { caller, team, operation, now, action, object: first, rule, count: known + count })
  }
  const sorted = [...changes.values()].sort((left, right) => right.count - left.count)
  return { changes: sorted, same, changed, unknownCaller }
}

/** What would come out otherwise by `after` than by `before`, whatever was decided when it happened. Pure. */
export function compareOnDecisions(decisions: readonly Decision[], before: Judging, after: Judging): Replay {
  const judged: Decision[] = []
  let unknownCaller = 0
  for (const decision of decisions) {
    const capabilities = readCapabilities(decision.capabilities)
    const named = { id: decision.caller, team: decision.team, keyId: decision.key_id }
    const found = standingIn(before.directory, named)
    if (capabilities === null || found === null) unknownCaller += decision.count
    else judged.push({ ...decision, allowed: judgeAgain(before, decision, found, capabilities).allowed })
  }
  const replay = replayDecisions(judged, after)
  return { ...replay, unknownCaller: replay.unknownCaller + unknownCaller }
}

type Verdict = Capability & { readonly allowed: boolean; readonly rule: string }

function judgeAgain(
  { snapshot, directory }: Judging,
  { key_id: keyId }: Decision,
  as: Subject,
  capabilities: readonly Capability[],
): Verdict {
  const scopes = directory.keys.get(keyId)?.key.scopes ?? null
  const verdicts = capabilities.map(({ action, object }): Verdict => {
    if (!isInScope(scopes, action)) {
      return { action, object, allowed: false, rule: `directory.yaml key ${keyId}` }
    }
    return { action, object, ...decideOn(snapshot, as, { action, object }) }
  })
  const nothing: Verdict = { action: '', object: '', allowed: false, rule: '' }
  return verdicts.find(({ allowed }) => !allowed) ?? verdicts[0] ?? nothing
}

/** One line for people. */
export function describeReplayed({
  count,
  operation,
  caller,
  team,
  now,
  action,
  object,
  rule,
}: ReplayedChange): string {
  const reason = now === 'denied' ? `${rule || 'no rule'}: ${action} on ${object}` : rule
  return `${count} × ${operation} by ${caller} (${team}) would be ${now}: ${reason}`
}
