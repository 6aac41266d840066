// `tollgate policy check`: everything that keeps a gateway from taking a folder of policies, in one go, with lines.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CommandError, type CommandIo } from './command-io.ts'
import { findFaults } from './policy-faults.ts'
import { findFolder, printJson } from './policy-folder.ts'

/** Adds the command. Faults go to stdout as `file:line: reason`; the exit code is 1 when there is one. */
export function addPolicyCheck(policy: Command, io: CommandIo): void {
  policy
    .command('check')
    .description('find everything that a gateway would refuse in a folder of policies')
    .argument('[folder]', 'the folder (default: the configured one)')
    .option('--json', 'print the faults as JSON')
    .action(async (named: string | undefined, options: { readonly json?: true }) => {
      const folder = findFolder(named, io)
      if (!existsSync(join(folder, 'directory.yaml'))) {
        io.err('there is no directory.yaml yet: teams and callers are not checked\n')
      }
      const faults = await findFaults(folder)
      if (options.json) {
        printJson(io, { folder, faults: faults.map(({ file, line, reason }) => ({ file, line, reason })) })
      } else {
        for (const { message } of faults) io.out(`${message}\n`)
      }
      if (faults.length > 0) {
        throw new CommandError(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'} in ${folder}`)
      }
      io.err(`${folder}: nothing to complain about\n`)
    })
}
