// The admin listener's answers about what policy decided, read strictly, and the options with which commands ask for them.
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo } from './command-io.ts'

const count = z.int().nonnegative()
const span = z.object({ from: z.string(), to: z.string() })

/** What `/api/v1/policy/shadow` answers. */
export const shadowAnswer = span.extend({
  disagreements: z.array(
    z.object({
      shadow: z.string(),
      caller: z.string(),
      team: z.string(),
      operation: z.string(),
      count,
      last_at: z.string(),
    }),
  ),
  decisions: count,
  left_out: count,
})

/** What `/api/v1/policy/decisions` answers. */
export const decisionsAnswer = span.extend({
  decisions: z.array(
    z.object({
      caller: z.string(),
      team: z.string(),
      operation: z.string(),
      key_id: z.string(),
      allowed: z.boolean(),
      rules: z.string(),
      capabilities: z.string(),
      count,
    }),
  ),
  unrecorded: count,
  left_out: count,
})

export type HistoryOptions = AdminOptions & { readonly since: number; readonly json?: true }

/** Adds `--since`, `--json` and what `askAdmin` needs. */
export function withHistory(command: Command): Command {
  return withAdmin(
    command
      .option('--since <days>', 'how far back, such as 7d', readDays, 7)
      .option('--json', 'print the answer as JSON'),
  )
}

/** Adds what `askAdmin` needs. */
export function withAdmin(command: Command): Command {
  return command
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .addHelpText('after', help)
}

const help = `
The key is read from TOLLGATE_KEY or --key-file and needs the role operator, auditor or admin.
`

/** One report; rejects with CommandError when it cannot be had or read. */
export async function fetchHistory<Answer>(
  report: 'shadow' | 'decisions',
  schema: z.ZodType<Answer>,
  options: HistoryOptions,
  io: CommandIo,
): Promise<Answer> {
  const text = await askAdmin(`/api/v1/policy/${report}`, { days: String(options.since) }, options, io)
  const answer = schema.safeParse(parseJson(text))
  if (answer.success) return answer.data
  throw new CommandError('the admin listener answered in a form this version does not know')
}

/** `1 decision`, `2 decisions`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** `7d` or `7`; throws what commander shows for anything but 1 to 92 days. */
export function readDays(text: string): number {
  const days = /^([1-9]\d?)d?$/.exec(text)?.[1]
  if (days === undefined || Number(days) > 92) {
    throw new InvalidArgumentError('say a number of days from 1 to 92, such as 7d')
  }
  return Number(days)
}
