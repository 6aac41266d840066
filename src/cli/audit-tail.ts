// `tollgate audit tail`: the newest entries, one a line.
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { withAdmin } from './audit-source.ts'
import { CommandError, type CommandIo } from './command-io.ts'

const answer = z.object({
  entries: z.array(
    z.object({
      gateway: z.string(),
      seq: z.int(),
      kind: z.string(),
      record_id: z.string(),
      occurred_at_ms: z.number(),
      entry: z.string(),
    }),
  ),
})
type TailEntry = z.output<typeof answer>['entries'][number]

const word = z.string().catch('')
const told = z.object({
  record: z.object({
    team: word,
    caller: word,
    operation: word,
    decision: word,
    rules: word,
    files: z.array(z.string()).catch([]),
    status: z.number().optional().catch(undefined),
  }),
})

/** Adds the command. */
export function addAuditTail(audit: Command, io: CommandIo): void {
  const command = audit
    .command('tail')
    .description('print the newest entries')
    .option('-n, --lines <count>', 'how many, up to 1000', readCount, 20)
    .option('--json', 'print the entries as they were hashed, one a line')
  withAdmin(command).action(async (options: AdminOptions & { lines: number; json?: true }) => {
    const text = await askAdmin('/api/v1/audit/entries', { limit: String(options.lines) }, options, io)
    const parsed = answer.safeParse(parseJson(text))
    if (!parsed.success) {
      throw new CommandError('the admin listener answered in a form this version does not know')
    }
    for (const entry of parsed.data.entries) io.out(`${options.json ? entry.entry : describe(entry)}\n`)
  })
}

function describe({ gateway, seq, kind, record_id: id, occurred_at_ms: atMs, entry }: TailEntry): string {
  const read = told.safeParse(parseJson(entry))
  const record = read.success ? read.data.record : undefined
  const who = record === undefined || record.caller === '' ? [] : [`${record.team}/${record.caller}`]
  const what = [record?.operation, record?.decision, record?.status, record?.files.join(',')]
  const words = [...who, ...what].filter((part) => part !== undefined && part !== '')
  return [new Date(atMs).toISOString(), `${gateway}:${seq}`, kind, ...words, id].join(' ')
}

function readCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 1_000) return count
  throw new InvalidArgumentError('say a number from 1 to 1000')
}
