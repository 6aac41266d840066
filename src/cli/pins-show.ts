// `tollgate pins list`, `diff` and `status`: what is approved, what is different, and what runs.
import Table from 'cli-table3'
import type { Command } from 'commander'
import { type Difference, describeDifference } from '../pin/describe-difference.ts'
import { parsePins } from '../pin/pins-file.ts'
import type { AdminOptions } from './ask-admin.ts'
import type { CommandIo } from './command-io.ts'
import {
  askPins,
  askVersion,
  type RolloutAnswer,
  statusAnswer,
  type VersionAnswer,
  withGateway,
} from './pins-answers.ts'
import { readVersion } from './pins-approve.ts'
import { openPinsFile } from './pins-on-disk.ts'
import { printJson, withFolder } from './policy-folder.ts'

type ShowOptions = AdminOptions & { readonly json?: true; readonly team?: string }

/** Adds the three commands. */
export function addPinsShow(pins: Command, io: CommandIo): void {
  withFolder(pins.command('list').description('print the approvals and rejections in pins.yaml'))
    .option('--json', 'print as JSON')
    .action(({ policies, json }: { readonly policies?: string; readonly json?: true }) => {
      const { text, file } = openPinsFile(policies, io)
      const lines = linesOf(text, file, Date.now())
      if (json === true) printJson(io, { versions: lines })
      else
        io.out(
          render(
            ['agent', 'version', 'state', 'by', 'ticket', 'expires', 'config'],
            lines.map(Object.values),
          ),
        )
    })
  withGateway(pins.command('diff <agent> <from> <to>').description('print what two versions do differently'))
    .option('--team <name>', 'whose account of the provider has the agent (default: that of your key)')
    .option('--json', 'print as JSON')
    .action(async (agentId: string, from: string, to: string, options: ShowOptions) => {
      const before = await askVersion(agentId, readVersion(from), options, io)
      const after = await askVersion(agentId, readVersion(to), options, io)
      const differences = describeDifference(toResolved(before), toResolved(after))
      if (options.json === true) return printJson(io, { differences })
      for (const difference of differences) io.out(`${renderDifference(difference)}\n`)
      const widening = differences.filter(({ widens }) => widens).length
      const count = differences.length === 1 ? '1 difference' : `${differences.length} differences`
      io.err(`${count}, widening what the agent may do: ${widening}\n`)
    })
  withGateway(pins.command('status').description('print what runs on which version, and how rollouts stand'))
    .option('--json', 'print as JSON')
    .action(async (options: ShowOptions) => {
      const answer = await askPins('/status', statusAnswer, options, io)
      if (options.json === true) return printJson(io, answer)
      const head = ['agent', 'name', 'version', 'channel', 'approval', 'running', 'open', 'in 24 h', 'teams']
      const rows = answer.versions.map((line) => [
        ...[line.agent_id, line.agent_name, line.agent_version, line.channel, line.approval],
        ...[line.running, line.open, line.sessions, line.teams.join(' ')],
      ])
      io.out(render(head, rows))
      for (const rollout of answer.rollouts) io.out(`${renderRollout(rollout)}\n`)
    })
}

function linesOf(text: string, file: string, nowMs: number) {
  const pins = parsePins(text, file)
  const approved = [...pins.approved].flatMap(([agent, approvals]) =>
    approvals.map(({ version, configHash, by, ticket, expiresAtMs }) => ({
      ...{ agent, version, state: stateOf(configHash, expiresAtMs, nowMs), by, ticket },
      expires: expiresAtMs === null ? '' : new Date(expiresAtMs).toISOString().slice(0, 10),
      config: configHash ?? '',
    })),
  )
  const rejected = [...pins.rejected].flatMap(([agent, versions]) =>
    [...versions].map((version) => ({
      ...{ agent, version, state: 'rejected', by: '', ticket: '', expires: '', config: '' },
    })),
  )
  return [...approved, ...rejected]
}

function stateOf(configHash: string | null, expiresAtMs: number | null, nowMs: number): string {
  if (expiresAtMs !== null && expiresAtMs <= nowMs) return 'expired'
  return configHash === null ? 'number only' : 'approved'
}

const toResolved = ({ agent_id: id, version, config, members }: VersionAnswer) => ({
  agent: { id, version, config },
  members,
})

const signs = { added: '+', removed: '-', changed: '~' } as const

function renderDifference({ kind, about, before, after, widens }: Difference): string {
  const value = kind === 'changed' ? `${printable(before)} -> ${printable(after)}` : printable(before + after)
  return `${signs[kind]} ${printable(about)}: ${value}${widens ? '  [widens]' : ''}`
}

/** Whoever writes an agent must not write to the terminal of whoever reviews it, nor change the order of its text. */
const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (mark) => `\\u{${(mark.codePointAt(0) ?? 0).toString(16)}}`)

function renderRollout(rollout: RolloutAnswer): string {
  const { agent_id: agentId, stable, canary, percent, held, held_at: heldAt, reasons } = rollout
  if (canary === null) return `${agentId}: everybody gets version ${stable}`
  const share = `${agentId}: stable ${stable}, canary ${canary} for ${percent}%`
  const hold = held === '' ? '' : `; HELD ${held}${heldAt === null ? '' : ` since ${heldAt}`}`
  const said = [rollout.stable_facts, rollout.canary_facts].map((facts) => facts?.sessions ?? 0)
  const watch = rollout.watched
    ? `; ${rollout.judgement}: ${said[0]} sessions of stable, ${said[1]} of the canary`
    : ''
  return [`${share}${hold}${watch}`, ...reasons.map((reason) => `  ${reason}`)].join('\n')
}

function render(head: string[], rows: readonly (readonly (string | number)[])[]): string {
  const table = new Table({ head, style: { head: [], border: [] } })
  for (const row of rows) table.push(row.map((cell) => printable(String(cell))))
  return `${table.toString()}\n`
}
