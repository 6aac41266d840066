// Where audit commands read a log from: a file of lines, or the admin listener, in both cases as it comes.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { type AdminOptions, openAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

export type RangeOptions = AdminOptions & {
  readonly from?: number
  readonly to?: number
  readonly gateway?: string
}

/** Adds the period, and what `askAdmin` needs. */
export function withRange(command: Command): Command {
  return withAdmin(
    command
      .option('--from <time>', 'begin here, such as 2026-10-01 or 2026-10-01T12:00:00Z', readTime)
      .option('--to <time>', 'end here', readTime)
      .option('--gateway <id>', 'of this gateway only (default: of all that write to the ledger)'),
  )
}

/** Adds what `askAdmin` needs. */
export function withAdmin(command: Command): Command {
  return command
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText(
      'after',
      '\nThe key is read from TOLLGATE_KEY or --key-file and needs the role auditor or admin.\n',
    )
}

/** The lines that the admin listener answers for a period. Rejects with `CommandError`; so does reading them. */
export async function openLines(
  options: RangeOptions,
  withTail: boolean,
  io: CommandIo,
): Promise<AsyncIterable<string>> {
  const { from, to, gateway } = options
  const query = {
    ...(from === undefined ? {} : { from_ms: String(from) }),
    ...(to === undefined ? {} : { to_ms: String(to) }),
    gateway,
    tail: String(withTail),
  }
  const { body } = await openAdmin('/api/v1/audit/bundle', query, options, io)
  return body === null ? linesOf(Readable.from([])) : linesOf(Readable.fromWeb(body))
}

/** The lines of a file. Rejects with `CommandError` when it cannot be read. */
export async function fileLines(path: string): Promise<AsyncIterable<string>> {
  const stream = createReadStream(path, 'utf8')
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve())
    stream.once('error', () => reject(new CommandError(`cannot read \`${path}\``, exitCodes.wrongUse)))
  })
  return linesOf(stream)
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  // A stream that breaks off ends the lines; that they are not whole is what their missing end says.
  let broken = false
  stream.on('error', () => {
    broken = true
  })
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) yield line
  if (broken) return
}

function readTime(text: string): number {
  const zoned = /T[^Z+-]*$/.test(text) ? `${text}Z` : text
  const isIso = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).safeParse(zoned).success
  if (isIso) return Date.parse(zoned)
  throw new InvalidArgumentError('say a date such as 2026-10-01 or a time such as 2026-10-01T12:00:00Z')
}
