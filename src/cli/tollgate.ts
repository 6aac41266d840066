// The `tollgate` command line: one file per command, one place where failures become sentences and exit codes.
import { Command, CommanderError } from 'commander'
import { tollgateVersion } from '../version.ts'
import { addAudit } from './audit.ts'
import { addBudgets } from './budgets.ts'
import { addClose, addFocus } from './close.ts'
import { CommandError, type CommandIo, exitCodes, processIo } from './command-io.ts'
import { addKeys } from './keys.ts'
import { addMigrate } from './migrate.ts'
import { addPins } from './pins.ts'
import { addPolicy } from './policy.ts'
import { addPrices } from './prices.ts'
import { addReconcile } from './reconcile.ts'
import { addSessionLists } from './session-lists.ts'
import { addSimulate } from './simulate.ts'
import { addStart } from './start.ts'
import { addStop } from './stop.ts'
import { addTrace } from './trace.ts'
import { addUsage } from './usage.ts'

const epilogue = `
Exit codes: 0 done, 1 failed, 2 wrong use, 3 the key was refused.
Settings are environment variables (TOLLGATE_LISTEN, TOLLGATE_TLS_CERT_FILE, ANTHROPIC_API_KEY, …) or the file TOLLGATE_CONFIG names.
TOLLGATE_WATCH=off stops the gateway from reading, by itself, sessions that nobody streams.
`

/**
 * Runs one command line (without node and script) and resolves with its exit code.
 * For \`start\` that is when the gateway has stopped. Never throws, never ends the process.
 */
export async function runTollgate(args: readonly string[], io: CommandIo = processIo): Promise<number> {
  const program = new Command('tollgate')
    .description('A governing reverse proxy for the Claude Managed Agents API')
    .version(tollgateVersion)
    .addHelpText('after', epilogue)
    .showHelpAfterError('run `tollgate --help` for all of it')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride()
  for (const add of [
    addStart,
    addSimulate,
    addUsage,
    addKeys,
    addMigrate,
    addPolicy,
    addPins,
    addAudit,
    addReconcile,
    addPrices,
    addTrace,
    addSessionLists,
    addBudgets,
    addStop,
    addClose,
    addFocus,
  ])
    add(program, io)
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCodes.done
  } catch (error) {
    return report(error, io)
  }
}

function report(error: unknown, io: CommandIo): number {
  // Commander has printed its own; only what it calls an error is wrong use, not `--help`.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse
  if (error instanceof CommandError) {
    io.err(`tollgate: ${error.message}\n`)
    return error.exitCode
  }
  io.err(`tollgate: ${error instanceof Error ? error.message : String(error)}\n`)
  if (io.env['TOLLGATE_LOG_LEVEL'] === 'debug' && error instanceof Error) io.err(`${error.stack}\n`)
  return exitCodes.failed
}
