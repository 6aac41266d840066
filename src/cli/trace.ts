// `tollgate trace <session>`: what a session did, turn by turn, from the ledger, with no tracing backend at all.
import type { Command } from 'commander'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { renderTrace, traceAnswer } from './trace-tree.ts'

type Options = AdminOptions & { readonly json?: true }

const help = `
A turn goes from the moment the session begins to run until it rests for another reason than a question to people. Each has
a trace id that is made of its first event, so anybody who has the events gets the same. Costs are tokens at list price.
The key is read from TOLLGATE_KEY or --key-file and needs \`usage.read\`.

  tollgate trace sesn_01…
  tollgate trace sesn_01… --json
`

/** Adds the command. */
export function addTrace(program: Command, io: CommandIo): void {
  program
    .command('trace')
    .description('print the turns of a session: model requests, tools, approvals, child threads, refusals')
    .argument('<session>', "the session's id")
    .option('--json', 'print it as JSON')
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
    .action(async (session: string, options: Options) => {
      if (!/^[A-Za-z0-9_-]{1,128}$/.test(session))
        throw new CommandError(`\`${session}\` is no id of a session`, exitCodes.wrongUse)
      const text = await askAdmin(`/api/v1/sessions/${session}/trace`, {}, options, io)
      if (options.json === true) return io.out(`${text}\n`)
      const answer = traceAnswer.safeParse(parseJson(text))
      if (answer.success) return io.out(renderTrace(answer.data))
      throw new CommandError(
        'the admin listener answered in a form this version does not know; use --json to see it',
      )
    })
}
