// `tollgate usage`: the admin listener's usage report as a table, JSON or CSV.
import { type Command, Option } from 'commander'
import { usageGroups } from '../ledger/queries/usage.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { errorAnswer, usageAnswer } from './usage-answer.ts'
import { renderUsageTable } from './usage-table.ts'

type UsageOptions = {
  readonly groupBy: string
  readonly from?: string
  readonly to?: string
  readonly bucket?: string
  readonly json?: true
  readonly csv?: true
  readonly url?: string
  readonly keyFile?: string
}

const help = `
The key is read from TOLLGATE_KEY or --key-file, never from an argument, which every process on the machine
could read. It needs the role operator, auditor or admin. Dates are UTC; the end is not included.

  tollgate usage --group-by model
  tollgate usage --group-by team --from 2026-10-01 --to 2026-11-01 --csv > october.csv
`

/** Adds the command. Prints the report on stdout and everything else on stderr. */
export function addUsage(program: Command, io: CommandIo): void {
  program
    .command('usage')
    .description('print tokens, running time and cost from the admin listener')
    .addOption(
      new Option('-g, --group-by <what>', 'one line for each').choices([...usageGroups]).default('team'),
    )
    .option(
      '--from <date>',
      'first instant, such as 2026-10-01 or 2026-10-01T12:00:00Z (default: this month)',
    )
    .option('--to <date>', 'first instant no longer included (default: now)')
    .addOption(new Option('--bucket <size>', 'split the period').choices(['hour', 'day']))
    .option('--json', 'print the report as JSON')
    .addOption(new Option('--csv', 'print the lines as CSV').conflicts('json'))
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
    .action(async (options: UsageOptions) => {
      const text = await fetchUsage(options, io)
      io.out(options.json || options.csv ? text : renderUsageTable(readAnswer(text)))
    })
}

async function fetchUsage(options: UsageOptions, io: CommandIo): Promise<string> {
  const url = usageUrl(options, io)
  const key = readKey(options, io)
  let response: Response
  try {
    // Redirects are not followed: the key goes to the address that was named and to no other.
    response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, redirect: 'error' })
  } catch (cause) {
    throw new CommandError(
      `no admin listener answers at \`${url.origin}\` (${reasonOf(cause)}); is Tollgate running, and is --url right?`,
    )
  }
  const text = await response.text()
  if (response.ok) return text
  throw refusal(response, text)
}

function usageUrl(options: UsageOptions, io: CommandIo): URL {
  const base = options.url ?? (io.env['TOLLGATE_ADMIN_URL'] || 'http://127.0.0.1:8788')
  if (!URL.canParse('/api/v1/usage', base) || !/^https?:/.test(base)) {
    throw new CommandError(`\`${base}\` is not an http or https URL`, exitCodes.wrongUse)
  }
  const url = new URL('/api/v1/usage', base)
  const format = options.csv ? 'csv' : 'json'
  const { groupBy, from, to, bucket } = options
  for (const [name, value] of Object.entries({ group_by: groupBy, from, to, bucket, format })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

function readKey({ keyFile }: UsageOptions, io: CommandIo): string {
  const key = (keyFile === undefined ? io.env['TOLLGATE_KEY'] : readKeyFile(keyFile, io))?.trim()
  if (!key)
    throw new CommandError('no key; set TOLLGATE_KEY or name a file with --key-file', exitCodes.wrongUse)
  // fetch would refuse it too, with the whole value in its message.
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new CommandError('the key holds blanks or other characters no key has', exitCodes.wrongUse)
  }
  return key
}

function readKeyFile(path: string, io: CommandIo): string {
  try {
    return io.readFile(path)
  } catch {
    throw new CommandError(`cannot read the key file \`${path}\``, exitCodes.wrongUse)
  }
}

function refusal(response: Response, text: string): CommandError {
  const answer = errorAnswer.safeParse(parseJson(text))
  if (!answer.success) {
    return new CommandError(
      `\`${response.url.split('?')[0]}\` answered ${response.status}, and not as Tollgate's admin listener does`,
    )
  }
  const { error, request_id: requestId } = answer.data
  const sentence = `${error.message} (request ${requestId})`
  if (response.status === 401) return new CommandError(`the key was refused: ${sentence}`, exitCodes.refused)
  if (response.status === 403)
    return new CommandError(`the key may not do this: ${sentence}`, exitCodes.refused)
  if (response.status === 400) return new CommandError(sentence, exitCodes.wrongUse)
  return new CommandError(sentence)
}

function readAnswer(text: string) {
  const answer = usageAnswer.safeParse(parseJson(text))
  if (answer.success) return answer.data
  throw new CommandError(
    'the admin listener answered in a form this version does not know; use --json to see it',
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `ECONNREFUSED` says more than fetch's own "fetch failed". */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  if (inner instanceof Error && 'code' in inner) return String(inner.code)
  return inner instanceof Error ? inner.message : 'unknown reason'
}
