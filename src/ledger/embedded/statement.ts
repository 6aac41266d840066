// Which of the engine's three ways a statement takes: rows poured in, rows streamed out, or one answer as a whole.
import { splitStatements } from '../split-statements.ts'
import { ServerException } from './server-exception.ts'

/** Text formats whose rows end with a newline: the only ones the engine takes as raw bytes. */
const insertFormats = ['JSONEachRow', 'JSONCompactEachRow', 'TabSeparated', 'CSV'] as const
/** Formats without a header or a frame: their chunks can be sent as they come. */
const streamedFormats = new Set(['JSONEachRow', 'JSONCompactEachRow', 'TabSeparated', 'TSV', 'CSV'])

export type Statement =
  | {
      readonly kind: 'insert'
      readonly table: string
      readonly columns: readonly string[]
      readonly format: (typeof insertFormats)[number]
    }
  | { readonly kind: 'rows'; readonly sql: string; readonly format: string }
  | { readonly kind: 'whole'; readonly sql: string; readonly format: string }

const insertHead = /^INSERT\s+INTO\s+(?:TABLE\s+)?([\w.`"]+)\s*(?:\(([^()]*)\))?\s+FORMAT\s+(\w+)$/i
const formatTail = /\bFORMAT\s+(\w+)\s*$/i
const returnsRows = /^(?:\s|\/\*[\s\S]*?\*\/|--[^\n]*\n|\()*(?:SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS)\b/i

/**
 * Reads one statement. `hasData` says that rows came in the body beside the SQL.
 * @throws ServerException for several statements in one request, as a server does, and for data this facade cannot take.
 */
export function readStatement(sql: string, hasData: boolean, defaultFormat: string): Statement {
  const [only, second] = splitStatements(sql)
  if (only === undefined) throw new ServerException(62, 'SYNTAX_ERROR', 'empty query')
  if (second !== undefined) {
    throw new ServerException(62, 'SYNTAX_ERROR', 'multi-statements are not allowed; send one at a time')
  }
  if (hasData) return readInsert(only)
  const tail = formatTail.exec(only)
  const format = tail?.[1] ?? defaultFormat
  if (returnsRows.test(only) && streamedFormats.has(format)) {
    return { kind: 'rows', sql: tail === null ? only : only.slice(0, tail.index), format }
  }
  return { kind: 'whole', sql: only, format }
}

function readInsert(sql: string): Statement {
  const [, table, columns, asked] = insertHead.exec(sql) ?? []
  const format = insertFormats.find((known) => known === asked)
  if (table === undefined || format === undefined) {
    const known = insertFormats.join(', ')
    throw new ServerException(
      48,
      'NOT_IMPLEMENTED',
      `the embedded engine takes rows as INSERT INTO table (columns) FORMAT, one of ${known}`,
    )
  }
  const names = columns === undefined ? [] : columns.split(',').map((name) => unquote(name.trim()))
  return { kind: 'insert', table: unquote(table), columns: names, format }
}

function unquote(identifier: string): string {
  return identifier.replace(/[`"]/g, '')
}
