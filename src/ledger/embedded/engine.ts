// Opens chdb on a data folder with its memory bounded, and proves that the bounds took effect.
// Lives in the engine process only: in the gateway's own process one query's output can leak into the next.
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Session } from 'chdb'
import { z } from 'zod'
import type { EngineFailureReason } from './engine-messages.ts'
import { createSessionPool, type SessionPool } from './session-pool.ts'

export type Engine = {
  /** ClickHouse's version, e.g. `26.7.2.1`. */
  readonly version: string
  /** `database.table/part: reason` of each part that ClickHouse put aside because it was damaged. */
  readonly damagedParts: readonly string[]
  readonly pool: SessionPool
  /** Asks the query that runs on the named session to stop; resolves when it was asked, not when it stopped. */
  readonly kill: (sessionName: string) => Promise<void>
}

/** The engine could not be opened. `reason` decides what people are told. */
export class EngineFailure extends Error {
  readonly reason: EngineFailureReason

  constructor(reason: EngineFailureReason, message: string) {
    super(message)
    this.name = 'EngineFailure'
    this.reason = reason
  }
}

/** Queries at a time. With the admin session they must stay well under UV_THREADPOOL_SIZE, or KILL itself starves. */
const poolSize = 8
const configFile = fileURLToPath(new URL('./engine-config.xml', import.meta.url))
/** From `engine-config.xml`; read back to prove that the engine read the file. */
const markCacheBytes = 33_554_432

/**
 * Opens the folder, which no other process may hold; waits for its lock up to `lockWaitMs`, since an engine whose
 * gateway was killed needs a moment to go. `memoryBytes` bounds the whole engine, one query gets 80 % of it.
 * @throws EngineFailure with a reason.
 */
export async function openEngine(options: {
  readonly dataDir: string
  readonly memoryBytes: number
  readonly lockWaitMs: number
}): Promise<Engine> {
  const chdb = await import('chdb').catch((error: unknown) => {
    throw new EngineFailure('platform', describe(error))
  })
  const args = [`--max_server_memory_usage=${options.memoryBytes}`, `--config-file=${configFile}`]
  const open = (connectionArgs: readonly string[] = []): Session =>
    new chdb.Session(options.dataDir, { connectionArgs })
  // The owner stays open for as long as the process lives: the engine ends with its last session.
  const owner = await openPatiently(() => open(args), options.lockWaitMs)
  const admin = open()
  await assertCaps(owner, options.memoryBytes)
  return {
    version: (await owner.queryAsync('SELECT version()', { format: 'TabSeparated' })).text().trim(),
    damagedParts: await damagedParts(owner),
    pool: createSessionPool({ open: () => open(), size: poolSize, base: baseSettings(options.memoryBytes) }),
    kill: async (sessionName) => {
      // Never SYNC: it was seen to wait for ever.
      await admin.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${sessionName}' ASYNC FORMAT Null`)
    },
  }
}

/** Every pooled session's settings: limits that a request may lower or raise for itself, and that come back after it. */
function baseSettings(memoryBytes: number): ReadonlyMap<string, string> {
  const spillBytes = String(Math.floor(memoryBytes / 5))
  return new Map([
    ['max_memory_usage', String(Math.floor(memoryBytes * 0.8))],
    ['max_bytes_before_external_group_by', spillBytes],
    ['max_bytes_before_external_sort', spillBytes],
    ['max_threads', '2'],
    ['max_execution_time', '60'],
    // Parameters reach the session inside a SET statement; on a server they have no such limit.
    ['max_query_size', '268435456'],
    // As on a server: a statement without SELECT is an error, not an expression.
    ['implicit_select', '0'],
  ])
}

async function openPatiently(open: () => Session, waitMs: number): Promise<Session> {
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    try {
      return open()
    } catch (error) {
      if (performance.now() > deadlineMs) throw new EngineFailure('open', describe(error))
      await delay(200)
    }
  }
}

const settingRow = z.object({ name: z.string(), value: z.string() })

/** chdb accepts arguments it does not know without a word, so the only proof of a bound is to read it back. */
async function assertCaps(owner: Session, memoryBytes: number): Promise<void> {
  const wanted = new Map([
    ['max_server_memory_usage', String(memoryBytes)],
    ['mark_cache_size', String(markCacheBytes)],
  ])
  const sql = `SELECT name, value FROM system.server_settings WHERE name IN ('${[...wanted.keys()].join("', '")}')`
  const found = (await rowsOf(owner, sql)).map((row) => settingRow.parse(row))
  for (const [name, value] of wanted) {
    const actual = found.find((row) => row.name === name)?.value ?? 'missing'
    if (actual !== value) throw new EngineFailure('caps', `\`${name}\` is \`${actual}\`, not \`${value}\``)
  }
}

const partRow = z.object({ part: z.string() })

async function damagedParts(owner: Session): Promise<readonly string[]> {
  const rows = await rowsOf(
    owner,
    `SELECT concat(database, '.', table, '/', name, ': ', reason) AS part
     FROM system.detached_parts WHERE startsWith(reason, 'broken')`,
  )
  return rows.map((row) => partRow.parse(row).part)
}

async function rowsOf(session: Session, sql: string): Promise<readonly unknown[]> {
  const text = (await session.queryAsync(sql, { format: 'JSONEachRow' })).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
