// The ledger's connection to ClickHouse, and the only import of `@clickhouse/client`.
// A server, a cluster and the embedded engine are one code path; only the URL and the socket differ.
import { Agent } from 'node:http'
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client'
import { Secret } from '../kernel/secret.ts'
import type { Ledger } from './port.ts'

/** Where ClickHouse is and who we are to it. `socketPath` is the embedded engine's unix socket. */
export type ClickHouseConnection = {
  /** `http(s)://host:port`, optionally with a path in front of a proxied server. Credentials in it are taken out. */
  readonly url: string
  readonly username?: string
  readonly password?: Secret
  readonly socketPath?: string
}

export type ClickHouseLedgerOptions = ClickHouseConnection & {
  /** A statement that takes longer fails, in milliseconds; default 60 000. The server gives up a little earlier. */
  readonly requestTimeoutMs?: number
  /** Requests at a time, the others wait; default 8. */
  readonly connectionsMax?: number
}

/** A Ledger that can also be set up: nothing but `ping` works before `createDatabase` was called once. */
export type ClickHouseLedger = Ledger & {
  /** Makes the database `tollgate` if it is missing, on every node of `cluster` if one is given. */
  createDatabase(cluster?: string): Promise<void>
}

const database = 'tollgate'

/** A failed statement. `code` is ClickHouse's number (`60`), or Node's word for a broken connection (`ECONNREFUSED`). */
export class LedgerError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'LedgerError'
    this.code = code
  }
}

/** Settings that must not depend on a server's own defaults. They hold for every statement. */
const settings: ClickHouseSettings = {
  // 64-bit integers and decimals as strings: a JSON number would lose digits of money.
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  // A row that names a column which does not exist is a bug, not something to drop.
  input_format_skip_unknown_fields: 0,
  // ISO timestamps (`2026-11-23T16:00:00.000Z`) in rows, beside ClickHouse's own form.
  date_time_input_format: 'best_effort',
  // Acknowledged means stored; batches are ours, and their token must mean one block.
  async_insert: 0,
  deduplicate_blocks_in_dependent_materialized_views: 1,
}

/**
 * Opens no connection yet. Every method rejects with `LedgerError`, whose text never has a credential in it.
 * @throws Error when `url` is not a URL, or has a query string.
 */
export function createClickHouseLedger(options: ClickHouseLedgerOptions): ClickHouseLedger {
  const target = readTarget(options)
  const timeoutMs = options.requestTimeoutMs ?? 60_000
  const connectionsMax = options.connectionsMax ?? 8
  const connect = (name: string): ClickHouseClient =>
    createClient({
      url: target.url,
      pathname: target.pathname,
      username: target.username,
      password: target.password.reveal(),
      database: name,
      request_timeout: timeoutMs,
      max_open_connections: connectionsMax,
      use_multipart_params_auto: true,
      log: { level: ClickHouseLogLevel.OFF },
      json: { parse: JSON.parse, stringify: stringifyRow },
      clickhouse_settings: { ...settings, max_execution_time: Math.max(1, Math.floor(timeoutMs / 1000) - 5) },
      ...(options.socketPath !== undefined && {
        http_agent: socketAgent(options.socketPath, connectionsMax),
      }),
    })
  const client = connect(database)
  const guarded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw ledgerError(error, target.password)
    })

  return {
    query: <Row>(query: string, query_params?: Record<string, unknown>) =>
      guarded(
        client
          .query({ query, format: 'JSONEachRow', ...(query_params && { query_params }) })
          // Never `text()`: it returns the rows before an exception as if they were all.
          .then((result) => result.json<Row>()),
      ),
    command: async (query, query_params) => {
      // Without waiting, a server may have said 200 before a long statement fails, and nobody reads what follows.
      const clickhouse_settings = { wait_end_of_query: 1 } as const
      await guarded(client.command({ query, clickhouse_settings, ...(query_params && { query_params }) }))
    },
    insert: async (table, rows, token) => {
      const [first] = rows
      if (first === undefined) return
      const [column, ...columns] = Object.keys(first).map((name) => checkName('column', name))
      if (column === undefined) throw new LedgerError('row_empty', `a row for \`${table}\` has no columns`)
      await guarded(
        client.insert({
          table: `${database}.${checkName('table', table)}`,
          columns: [column, ...columns],
          values: rows,
          format: 'JSONEachRow',
          clickhouse_settings: { insert_deduplication_token: token },
        }),
      )
    },
    // With a SELECT, because a server answers the plain ping to anybody.
    ping: async () => (await client.ping({ select: true })).success,
    createDatabase: async (cluster) => {
      const setUp = connect('default')
      const everywhere = cluster === undefined ? '' : ` ON CLUSTER \`${checkName('cluster', cluster)}\``
      const query = `CREATE DATABASE IF NOT EXISTS \`${database}\`${everywhere} ENGINE = Atomic`
      await guarded(setUp.command({ query })).finally(() => setUp.close())
    },
    close: () => client.close(),
  }
}

type Target = {
  readonly url: string
  readonly pathname: string
  readonly username: string
  readonly password: Secret
}

/** Takes the credentials out of the URL, because URLs end up in messages. What is stated beside it wins. */
function readTarget(options: ClickHouseConnection): Target {
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error('the ClickHouse address is not an http or https url: write it as `https://host:8443`')
  }
  if (url.search !== '') throw new Error('the ClickHouse url has a query string: leave it out')
  return {
    url: url.origin,
    pathname: url.pathname === '/' ? '' : url.pathname,
    username: options.username ?? (decodeURIComponent(url.username) || 'default'),
    password: options.password ?? new Secret(decodeURIComponent(url.password)),
  }
}

function socketAgent(socketPath: string, maxSockets: number): Agent {
  const overSocket = { socketPath }
  return new Agent({ ...overSocket, keepAlive: true, maxSockets })
}

/** `JSON.stringify` that also knows bigints; the slow way only for rows that have one. */
function stringifyRow(row: unknown): string {
  try {
    return JSON.stringify(row)
  } catch {
    return JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  }
}

/** Identifiers go into SQL as text, so they may only be plain ones. */
function checkName(what: string, name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return name
  throw new LedgerError(
    'name_invalid',
    `the ${what} name \`${name}\` is not a plain identifier: use letters, digits and _`,
  )
}

function ledgerError(error: unknown, password: Secret): LedgerError {
  const text = error instanceof Error ? error.message : String(error)
  const message = password.reveal() === '' ? text : text.replaceAll(password.reveal(), '[secret]')
  if (error instanceof ClickHouseError) {
    return new LedgerError(error.code, `clickhouse refused (${error.type ?? error.code}): ${message}`)
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return new LedgerError(code, `clickhouse did not answer (${code}): ${message || 'connection failed'}`)
}
