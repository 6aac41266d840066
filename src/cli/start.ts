// `tollgate start`: the gateway, until it is told to stop.
import type { Command } from 'commander'
import type { CommandIo } from './command-io.ts'
import { loadConfig } from './load-config.ts'

/** Adds the command. It ends when the gateway has stopped; a configuration that cannot be used ends it at once. */
export function addStart(program: Command, io: CommandIo): void {
  program
    .command('start')
    .description('run the gateway and its admin listener (what `npm start` does)')
    .action(async () => {
      const config = loadConfig(io)
      // Loaded only here: the other commands start in a fraction of the time.
      const { runGateway } = await import('../main.ts')
      await runGateway(config, { write: io.out })
    })
}
