// `tollgate audit verify`: is the log, a bundle or a proof what was signed? Says the first thing that is not, and where.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { splitNotes } from '../audit/anchors.ts'
import { verifyProof } from '../audit/proof.ts'
import { readNoteKey } from '../audit/signed-note.ts'
import { type Finding, type Verification, type VerifiedLog, verifyBundle } from '../audit/verify.ts'
import { fileLines, openLines, type RangeOptions, withRange } from './audit-source.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

type VerifyOptions = RangeOptions & {
  readonly bundle?: string
  readonly proof?: string
  readonly keys?: string
  readonly anchor: readonly string[]
  readonly json?: true
}

const help = `
Exit codes: 0 sound, 1 tampered with (what is there is not what was signed), 2 incomplete (what was signed is not there).
Without --keys the keys are those that the log itself names: then it is one piece, but perhaps not ours. Take the keys
(\`tollgate audit keys\`) and the checkpoints (the folder of TOLLGATE_AUDIT_ANCHOR_DIR) from where nobody who can write to
the ledger can write.
`

/** Adds the command. The verdict goes to stdout, the findings to stderr. */
export function addAuditVerify(audit: Command, io: CommandIo): void {
  const command = audit
    .command('verify')
    .description('check signatures, order, chain and tree of the log in the ledger, a bundle or a proof')
    .option('--bundle <file>', 'a bundle that `audit export` wrote, instead of the ledger; needs no network')
    .option('--proof <file>', 'a proof that `audit prove` wrote; needs --keys')
    .option('--keys <file>', 'the public keys that are believed, one a line')
    .option(
      '--anchor <path>',
      'checkpoints kept elsewhere: a file, or a folder of them; may be repeated',
      collect,
      [],
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', help)
  withRange(command).action(async (options: VerifyOptions) => {
    const keys = options.keys === undefined ? [] : readKeys(options.keys, io)
    if (options.proof !== undefined) return printProof(options.proof, keys, io)
    // Before the ledger is read, so that it can only have more.
    const anchors = options.anchor.flatMap((path) => readAnchors(path, io))
    const lines =
      options.bundle === undefined ? await openLines(options, true, io) : await fileLines(options.bundle)
    const result = await verifyBundle(lines, {
      keys,
      anchors,
      isLive: options.bundle === undefined,
      ...(options.from === undefined ? {} : { fromMs: options.from }),
      ...(options.to === undefined ? {} : { toMs: options.to }),
    })
    if (options.json) io.out(`${JSON.stringify(result, null, 2)}\n`)
    else print(result, io)
    conclude(result)
  })
}

/** The exit codes of the verdict, with the first finding as the last word. */
function conclude({ verdict, findings: [first] }: Verification): void {
  if (verdict === 'sound' || first === undefined) return
  const where = first.gateway === '' ? '' : ` of ${first.gateway}`
  throw new CommandError(
    `the audit log${where} is ${verdict === 'tampered' ? 'tampered with' : 'incomplete'}; first: ${first.message}`,
    verdict === 'tampered' ? exitCodes.failed : exitCodes.wrongUse,
  )
}

function print({ verdict, findings, logs }: Verification, io: CommandIo): void {
  for (const log of logs) io.out(`${describeLog(log)}\n`)
  for (const finding of findings) io.err(`${describeFinding(finding)}\n`)
  if (verdict === 'sound') io.out('sound\n')
}

function describeLog(log: VerifiedLog): string {
  const { gateway, entries, checkpoints, nextSeq, signedSize, firstCheckpoint, lastCheckpoint } = log
  const at = (ms: number): string => new Date(ms).toISOString()
  const first = firstCheckpoint?.number ?? 0
  return [
    `${gateway}: ${entries} entries, ${checkpoints} checkpoints`,
    lastCheckpoint === null ? ', none signed' : `, the last of ${at(lastCheckpoint.timeMs)}`,
    first > 0 ? `; begins with entry ${firstCheckpoint?.size}, checkpoint ${first}` : '',
    nextSeq > signedSize ? `; ${nextSeq - signedSize} newer ones wait for the next checkpoint` : '',
    log.keysFrom === 'bundle' ? '; keys as the log itself names them, see --keys' : '',
  ].join('')
}

const describeFinding = ({ verdict, gateway, message }: Finding): string =>
  `${verdict}: ${gateway === '' ? '' : `${gateway}: `}${message}`

function printProof(path: string, keys: readonly string[], io: CommandIo): void {
  const believed = keys.map(readNoteKey).filter((key) => key !== null)
  if (believed.length === 0) {
    throw new CommandError(
      'a proof is worth what its keys are: name a file of them with --keys',
      exitCodes.wrongUse,
    )
  }
  const result = verifyProof(readText(path, io), believed)
  if (!result.ok) throw new CommandError(`the proof does not hold: ${result.reason}`)
  io.out(`${result.entry}\n`)
  io.err(
    `entry ${result.seq} of ${result.gateway} is in the log as of ${new Date(result.timeMs).toISOString()}\n`,
  )
}

function readKeys(path: string, io: CommandIo): readonly string[] {
  const lines = readText(path, io)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (lines.length > 0 && lines.every((line) => readNoteKey(line) !== null)) return lines
  throw new CommandError(
    `\`${path}\` does not hold public keys as \`tollgate audit keys\` prints them`,
    exitCodes.wrongUse,
  )
}

function readAnchors(path: string, io: CommandIo): readonly string[] {
  let isFolder = false
  try {
    isFolder = statSync(path).isDirectory()
  } catch {
    // Reading it says why it cannot be.
  }
  if (!isFolder) return splitNotes(readText(path, io))
  const files = readdirSync(path).filter((name) => name.endsWith('.txt'))
  return files.sort().flatMap((name) => splitNotes(readText(join(path, name), io)))
}

function readText(path: string, io: CommandIo): string {
  try {
    return io.readFile(path)
  } catch {
    throw new CommandError(`cannot read \`${path}\``, exitCodes.wrongUse)
  }
}

const collect = (path: string, before: readonly string[]): readonly string[] => [...before, path]
