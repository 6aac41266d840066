// Answers that are rows of any one shape, as the command line reads and draws them.
import Table from 'cli-table3'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { CommandError } from './command-io.ts'
import { printable } from './printable.ts'

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** Rows as the admin listener answers them; `complete` is false when there are more. */
export const rowsAnswer = z.object({ complete: z.boolean(), rows: z.array(z.record(z.string(), cell)) })

export type Rows = z.output<typeof rowsAnswer>['rows']

/** Draws these columns, or all of the first row's. Ends with a newline; '' for no rows. */
export function drawRows(rows: Rows, columns: readonly string[] = Object.keys(rows[0] ?? {})): string {
  if (rows.length === 0) return ''
  const table = new Table({ head: [...columns], style: { head: [], border: [] } })
  for (const row of rows) table.push(columns.map((name) => printable(String(row[name] ?? ''))))
  return `${table.toString()}\n`
}

/** The answer as a schema has it. Throws `CommandError` when it has another form. */
export function readAs<T>(schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new CommandError(
    'the admin listener answered in a form this version does not know; use --format json to see it',
  )
}
