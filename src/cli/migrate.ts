// `tollgate migrate`: brings the ledger's tables up to date and says what it did. `start` does the same by itself.
import type { Command } from 'commander'
import type { CommandIo } from './command-io.ts'
import { loadConfig } from './load-config.ts'

/** Adds the command. */
export function addMigrate(program: Command, io: CommandIo): void {
  program
    .command('migrate')
    .description('create or update the tables of the ledger, then end')
    .action(async () => {
      const config = loadConfig(io)
      const { migrateLedger } = await import('../main.ts')
      const applied = await migrateLedger(config)
      for (const name of applied) io.out(`applied ${name}\n`)
      if (applied.length === 0) io.out('the ledger is up to date\n')
    })
}
