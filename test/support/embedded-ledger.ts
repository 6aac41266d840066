// A real embedded ClickHouse in a folder of its own, and a ledger on it; both go when the test file ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type ClickHouseLedger, createClickHouseLedger } from '../../src/ledger/clickhouse.ts'
import {
  type EmbeddedClickHouse,
  type EmbeddedClickHouseOptions,
  startEmbeddedClickHouse,
} from '../../src/ledger/embedded/supervisor.ts'
import { quietLogger } from './quiet-logger.ts'

/** An empty folder, removed when the file's tests are done. Call it at the top of a test file, not in a test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts an engine with small bounds and a ledger on it. Call it in a hook or a test. */
export async function startEmbeddedLedger(
  dataDir: string,
  options: Partial<EmbeddedClickHouseOptions> = {},
): Promise<{
  readonly engine: EmbeddedClickHouse
  readonly ledger: ClickHouseLedger
  close(): Promise<void>
}> {
  const engine = await startEmbeddedClickHouse({
    dataDir,
    logger: quietLogger,
    memoryBytes: 500_000_000,
    ...options,
  })
  const ledger = createClickHouseLedger(engine.connection)
  return {
    engine,
    ledger,
    close: async () => {
      await ledger.close()
      await engine.close()
    },
  }
}

/** How many queries with this text in them run now, the question itself not counted. */
export async function countRunning(ledger: ClickHouseLedger, text: string): Promise<number> {
  const rows = await ledger.query(
    `SELECT 1 FROM system.processes
     WHERE position(query, {text: String}) > 0 AND position(query, 'system.processes') = 0`,
    { text },
  )
  return rows.length
}
