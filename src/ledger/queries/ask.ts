// The auditor's questions: one readable SQL file each, whose first three lines say the question, what it takes, and what
// cannot be known here. A new question is a new file; what several begin with is in `ask/parts/`.
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'

/** What a question may take. `from` and `to` are a period, `at` a moment, `match` a text, `days` an age. */
export const askParameters = [
  'session',
  'team',
  'agent',
  'caller',
  'match',
  'days',
  'at',
  'from',
  'to',
] as const
export type AskParameter = (typeof askParameters)[number]

export type AskQuestion = {
  readonly name: string
  /** One sentence. */
  readonly question: string
  readonly takes: readonly AskParameter[]
  /** Those of `takes` without which it has no answer. */
  readonly needs: readonly AskParameter[]
  /** What the answer leaves out, '' when nothing. */
  readonly unknown: string
}

/** Values as a question takes them; '' and 0 where none is given. */
export type AskValues = {
  readonly session: string
  readonly team: string
  readonly agent: string
  readonly caller: string
  readonly match: string
  readonly days: number
  readonly at_ms: number
  readonly from_ms: number
  readonly to_ms: number
  /** JSON: who is listed, a tuple of caller, team, roles, key id, created, expires and revoked (milliseconds, 0: not) for each key. */
  readonly directory: string
  readonly rows_max: number
}

const folder = new URL('./ask/', import.meta.url)
const header = /^-- (?<question>.+\?)\n-- Takes:(?<takes>(?: [a-z]+!?)*)\n--(?: (?<unknown>.+))?\n/
const parameter = z.enum(askParameters)
const cell = z.union([z.string(), z.number(), z.boolean(), z.null()])

type Cell = z.output<typeof cell>

// Counts of rows fit a JSON number; money is text in every question.
const asNumbers = 'SETTINGS output_format_json_quote_64bit_integers = 0\n'

const questions = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
    .map((file) => read(file.slice(0, -'.sql'.length)))
    .map((asked) => [asked.name, asked] as const),
)

/** All of them, by name. */
export const askQuestions: readonly AskQuestion[] = [...questions.values()].map(
  ({ sql: _sql, ...told }) => told,
)

/** The rows that answer a question; one more than asked for says that these are not all. Undefined: no such question. */
export async function readAnswer(
  ledger: Pick<Ledger, 'query'>,
  name: string,
  values: AskValues,
): Promise<readonly Readonly<Record<string, string | number | boolean | null>>[] | undefined> {
  const asked = questions.get(name)
  if (asked === undefined) return undefined
  const rows = z.array(z.record(z.string(), cell)).parse(await ledger.query(asked.sql, values))
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(toTold)))
}

/** ClickHouse answers flags as 0 and 1. */
function toTold([name, value]: readonly [string, Cell]): readonly [string, Cell] {
  return name.startsWith('is_') && typeof value === 'number' ? [name, value === 1] : [name, value]
}

function read(name: string): AskQuestion & { readonly sql: string } {
  const sql = readFileSync(new URL(`${name}.sql`, folder), 'utf8')
  const said = header.exec(sql)?.groups
  if (said === undefined)
    throw new Error(`\`ask/${name}.sql\` must begin with its question, what it takes and what is not known`)
  const words = (said['takes'] ?? '').split(' ').filter((word) => word !== '')
  const nameOf = (word: string) => parameter.parse(word.replace('!', ''))
  return {
    name,
    sql: withParts(sql) + asNumbers,
    question: said['question'] ?? '',
    takes: words.map(nameOf),
    needs: words.filter((word) => word.endsWith('!')).map(nameOf),
    unknown: said['unknown'] ?? '',
  }
}

/** The text with each part that it names in a comment, `parts/x.sql: what it defines`, in the comment's place. */
function withParts(sql: string): string {
  const part = /\/\* (parts\/[a-z-]+\.sql): [a-z, ]+ \*\//g
  return sql.replace(part, (_comment, name: string) => readFileSync(new URL(name, folder), 'utf8').trimEnd())
}
