// The one door to ClickHouse. Every SQL text lives in ledger/; rooms get this port from app.ts.

export type SqlParams = { readonly [name: string]: unknown }

export interface Ledger {
  /** Runs a SELECT (no FORMAT clause) and returns its rows, 64-bit integers and decimals as strings. */
  query<Row>(sql: string, params?: SqlParams): Promise<readonly Row[]>
  /** Runs a statement that returns nothing. */
  command(sql: string, params?: SqlParams): Promise<void>
  /**
   * Inserts rows into a table of the `tollgate` database, naming every column of the first row.
   * `token` makes a retry of the same batch harmless (insert_deduplication_token).
   */
  insert(table: string, rows: readonly object[], token: string): Promise<void>
  /** True when ClickHouse answers. Never throws. */
  ping(): Promise<boolean>
  close(): Promise<void>
}
