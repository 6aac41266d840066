// `tollgate pins approve` and `reject`: the content of a version, read from the running gateway, is written down by its
// hash; and nobody approves what they made.
import { type Command, InvalidArgumentError } from 'commander'
import { approveVersion, rejectVersion } from '../pin/pins-edit.ts'
import type { AdminOptions } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { askVersion, type VersionAnswer, withGateway } from './pins-answers.ts'
import { openPinsFile } from './pins-on-disk.ts'
import { withFolder } from './policy-folder.ts'

type ApproveOptions = AdminOptions & {
  readonly by: string
  readonly ticket: string
  readonly expires?: number
  readonly team?: string
  readonly policies?: string
  readonly iDidNotMakeIt?: true
}

/** Adds both commands. */
export function addPinsApprove(pins: Command, io: CommandIo): void {
  const approve = pins
    .command('approve <agent> <version>')
    .description('approve the content of a version; it is the newest approved from then on')
    .requiredOption('--by <name>', 'who approves it: the id of a caller')
    .requiredOption('--ticket <id>', 'where it was reviewed')
    .option('--expires <date>', 'until when, such as 2027-02-01', readDate)
    .option('--team <name>', 'whose account of the provider has the agent (default: that of your key)')
    .option('--i-did-not-make-it', 'say so where nobody saw who made the version')
  withFolder(withGateway(approve)).action(
    async (agentId: string, written: string, options: ApproveOptions) => {
      const version = readVersion(written)
      const nowMs = Date.now()
      const { expires } = options
      if (expires !== undefined && expires <= nowMs) {
        throw new CommandError('--expires is over already; name a day to come', exitCodes.wrongUse)
      }
      const found = await askVersion(agentId, version, options, io)
      const note = checkFourEyes(found, options)
      const pinsFile = openPinsFile(options.policies, io)
      const { by, ticket } = options
      pinsFile.write(
        approveVersion(pinsFile.text, pinsFile.file, {
          ...{ agentId, version, configHash: found.config_hash, by, ticket, note },
          ...{ onMs: nowMs, expiresAtMs: expires ?? null },
        }),
      )
      io.out(`${found.config_hash}\n`)
      io.err(`version ${version} of \`${agentId}\` is approved in ${pinsFile.path}\n`)
    },
  )
  withFolder(
    pins.command('reject <agent> <version>').description('refuse a version for good, and end its approval'),
  ).action((agentId: string, written: string, { policies }: { readonly policies?: string }) => {
    const version = readVersion(written)
    const pinsFile = openPinsFile(policies, io)
    pinsFile.write(rejectVersion(pinsFile.text, pinsFile.file, agentId, version))
    io.err(`version ${version} of \`${agentId}\` is rejected in ${pinsFile.path}\n`)
  })
}

/** What to write beside the approval; throws CommandError when it needs another pair of eyes. */
function checkFourEyes(found: VersionAnswer, { by, iDidNotMakeIt }: ApproveOptions): string {
  const { made_by: maker, asked_by: asker, four_eyes: rule } = found
  if (rule === 'off') return ''
  if (maker !== null) {
    if (maker.caller !== by && maker.caller !== asker) return `made by ${maker.caller} (${maker.team})`
    const who = maker.caller === by ? `\`${by}\`` : `\`${asker}\`, whose key this is,`
    throw new CommandError(
      `${who} made this version on ${maker.seen_at}; somebody else must approve it`,
      exitCodes.refused,
    )
  }
  if (rule === 'strict') {
    throw new CommandError(
      'nobody saw who made this version, and `four_eyes: strict` wants to know; save it again through the gateway',
      exitCodes.refused,
    )
  }
  if (iDidNotMakeIt === true) return `nobody saw who made it; ${by} says: not me`
  throw new CommandError(
    'nobody saw who made this version: it was saved elsewhere, or so lately that the ledger does not have it yet; ' +
      'try again, or say --i-did-not-make-it, which is written down',
    exitCodes.refused,
  )
}

/** A version number from 1. Throws CommandError. */
export function readVersion(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new CommandError(`\`${text}\` is no version; name a whole number from 1`, exitCodes.wrongUse)
}

function readDate(text: string): number {
  const ms = Date.parse(text)
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text))
    return ms
  throw new InvalidArgumentError('must be a date such as 2027-02-01.')
}
