// The configuration for commands that need it: read, or every problem of it printed for people.
import { type Config, parseConfig } from '../config.ts'
import { CommandError, type CommandIo } from './command-io.ts'

/** Reads the configuration and prints its warnings. Throws CommandError listing every problem. */
export function loadConfig(io: CommandIo): Config {
  const result = parseConfig(io.env, io.readFile)
  if (!result.ok) {
    const list = result.problems.map((problem) => `  - ${problem}`).join('\n')
    throw new CommandError(`the configuration cannot be used:\n${list}`)
  }
  for (const warning of result.warnings) io.err(`tollgate: warning: ${warning}\n`)
  return result.config
}
