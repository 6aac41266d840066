// Runs one statement on a leased session and writes ClickHouse's HTTP answer. Rows leave as the engine makes them.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Session } from 'chdb'
import type { EngineRequest } from './read-request.ts'
import { exceptionCode, exceptionStatus, exceptionText, inBandException } from './server-exception.ts'
import type { Statement } from './statement.ts'

/** One answer in the making. `tag` announces where an exception after the first rows would stand. */
export type Reply = {
  readonly response: ServerResponse
  readonly queryId: string
  readonly tag: string
  readonly version: string
  readonly abandoned: () => boolean
}

/** Runs the statement and answers. Throws what the engine throws as long as nothing was sent. */
export async function answer(
  session: Session,
  statement: Statement,
  request: EngineRequest,
  reply: Reply,
): Promise<void> {
  switch (statement.kind) {
    case 'insert':
      return answerInsert(session, statement, request.data, reply)
    case 'rows':
      return answerRows(session, statement, reply)
    case 'whole':
      return answerWhole(session, statement, reply)
  }
}

async function answerInsert(
  session: Session,
  statement: Extract<Statement, { kind: 'insert' }>,
  data: Buffer,
  reply: Reply,
): Promise<void> {
  const { table, columns, format } = statement
  const written = await session.insert({
    table,
    values: data,
    format,
    ...(columns.length > 0 && { columns }),
  })
  const rows = String(written.rowsWritten)
  const bytes = String(written.bytesWritten)
  const summary = { read_rows: rows, read_bytes: bytes, written_rows: rows, written_bytes: bytes }
  reply.response.setHeader('X-ClickHouse-Summary', JSON.stringify(summary))
  open(reply, 'TabSeparated')
  reply.response.end()
}

async function answerRows(
  session: Session,
  statement: Extract<Statement, { kind: 'rows' }>,
  reply: Reply,
): Promise<void> {
  const { response } = reply
  const chunks = session.queryStream(statement.sql, { format: statement.format })[Symbol.asyncIterator]()
  try {
    let next = await chunks.next()
    open(reply, statement.format)
    while (next.done !== true && !reply.abandoned()) {
      // A copy, because the chunk's memory belongs to the engine.
      const room = response.write(Buffer.from(next.value.raw()))
      if (!room) await drainedOrClosed(response)
      next = await chunks.next()
    }
    response.end()
  } finally {
    await chunks.return?.()
  }
}

async function answerWhole(
  session: Session,
  statement: Extract<Statement, { kind: 'whole' }>,
  reply: Reply,
): Promise<void> {
  const result = await session.queryAsync(statement.sql, { format: statement.format })
  const bytes = Buffer.from(result.bytes())
  open(reply, statement.format)
  reply.response.end(bytes)
}

/** Answers with an exception: a status before the first byte, an in-band block after it. */
export function answerException(error: unknown, reply: Reply): void {
  const { response } = reply
  if (response.destroyed) return
  const text = exceptionText(error, reply.version)
  if (response.headersSent) {
    response.end(inBandException(text, reply.tag))
    return
  }
  const code = exceptionCode(text)
  setHeaders(reply)
  response.setHeader('X-ClickHouse-Exception-Code', String(code))
  response.writeHead(exceptionStatus(code), { 'Content-Type': 'text/plain; charset=UTF-8' })
  response.end(`${text}\n`)
}

function open(reply: Reply, format: string): void {
  setHeaders(reply)
  const contentType = format.startsWith('JSON') ? 'application/json' : 'text/plain'
  reply.response.writeHead(200, {
    'Content-Type': `${contentType}; charset=UTF-8`,
    'X-ClickHouse-Format': format,
  })
}

function setHeaders(reply: Reply): void {
  reply.response.setHeader('X-ClickHouse-Query-Id', reply.queryId)
  reply.response.setHeader('X-ClickHouse-Exception-Tag', reply.tag)
}

async function drainedOrClosed(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const settled = new AbortController()
  const { signal } = settled
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } finally {
    settled.abort()
  }
}
