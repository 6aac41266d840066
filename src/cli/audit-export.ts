// `tollgate audit export`: a part of the log as a file that `audit verify --bundle` checks without us.
import { open } from 'node:fs/promises'
import type { Command } from 'commander'
import { openLines, type RangeOptions, withRange } from './audit-source.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'

/** Adds the command. Writes to stdout unless a file is named; a file that is there is not overwritten. */
export function addAuditExport(audit: Command, io: CommandIo): void {
  const command = audit
    .command('export')
    .description('write a part of the log, from checkpoint to checkpoint, as lines of JSON')
    .option('--out <file>', 'write to this new file')
  withRange(command).action(async (options: RangeOptions & { readonly out?: string }) => {
    const lines = await openLines(options, false, io)
    const counts = await writeTo(options.out, lines, io)
    io.err(`${counts.entries} entries under ${counts.checkpoints} checkpoints\n`)
    if (!counts.isWhole)
      throw new CommandError('the admin listener broke off: the bundle is not whole, ask again')
  })
}

async function writeTo(path: string | undefined, lines: AsyncIterable<string>, io: CommandIo) {
  const file = path === undefined ? null : await openNew(path)
  const counts = { entries: 0, checkpoints: 0, isWhole: false }
  try {
    for await (const line of lines) {
      if (line.startsWith('{"kind":"entry"')) counts.entries += 1
      if (line.startsWith('{"kind":"checkpoint"')) counts.checkpoints += 1
      counts.isWhole = line.startsWith('{"kind":"end"')
      if (file === null) io.out(`${line}\n`)
      else await file.write(`${line}\n`)
    }
    await file?.sync()
  } finally {
    await file?.close()
  }
  return counts
}

async function openNew(path: string) {
  try {
    // It names callers and what they did: for its owner alone.
    return await open(path, 'wx', 0o600)
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw new CommandError(
      isThere ? `\`${path}\` is there already; name another file` : `cannot write \`${path}\``,
      exitCodes.wrongUse,
    )
  }
}
