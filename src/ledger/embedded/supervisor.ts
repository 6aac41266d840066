// The embedded ClickHouse as the gateway sees it: one engine process per data folder, started, watched, started again
// when it dies, and ended with the gateway. Socket and secret stay the same throughout, so clients just reconnect.
import { randomBytes } from 'node:crypto'
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { keepRunning, type ProcessExit } from '../../kernel/keep-running.ts'
import { Secret } from '../../kernel/secret.ts'
import type { ClickHouseConnection } from '../clickhouse.ts'
import { EmbeddedEngineError } from './engine-error.ts'
import { engineUsername } from './engine-messages.ts'
import { launchEngine, type RunningEngine } from './launch-engine.ts'

/** The part of pino's logger that the supervisor uses. */
export type EngineLogger = {
  readonly debug: (fields: object, message: string) => void
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

export type EmbeddedClickHouse = {
  /** Give this to `createClickHouseLedger`. Valid until `close`, through every restart. */
  readonly connection: ClickHouseConnection
  /** ClickHouse's version, e.g. `26.7.2.1`. */
  readonly version: string
  /** The engine's process id; undefined while it is down. */
  readonly pid: () => number | undefined
  /** Calls back each time the engine ended without being asked to, before it is started again. */
  readonly onExit: (listener: (exit: ProcessExit) => void) => void
  /** Calls back each time the engine serves again after such an end. */
  readonly onRestart: (listener: () => void) => void
  /** Ends the engine: running requests finish, up to 5 s. Idempotent. Close the ledger first. */
  readonly close: () => Promise<void>
}

export type EmbeddedClickHouseOptions = {
  /** Made if missing. One process at a time may hold it. */
  readonly dataDir: string
  readonly logger: EngineLogger
  /** Bound of the whole engine, in bytes; default 1 GB. Beyond it queries spill to disk or fail. */
  readonly memoryBytes?: number
  /** How long to wait for a folder that somebody else still holds, in milliseconds; default 5 000. */
  readonly lockWaitMs?: number
  /** First wait before a restart, doubled at each failure up to 30 s; default 200. */
  readonly backoffMs?: number
  /** Called at each start that finds parts which ClickHouse put aside as damaged: `database.table/part: reason`. */
  readonly onDamagedParts?: (parts: readonly string[]) => void
}

/**
 * Starts the engine and resolves when it answers.
 * @throws EmbeddedEngineError when the first start fails: folder locked, platform without chdb, limits not accepted.
 */
export async function startEmbeddedClickHouse(
  options: EmbeddedClickHouseOptions,
): Promise<EmbeddedClickHouse> {
  const { logger } = options
  const dataDir = resolve(options.dataDir)
  prepareFolder(dataDir)
  // A folder of its own, closed to others, and short: a socket's path may have 107 bytes only.
  const socketDir = mkdtempSync(join(tmpdir(), 'tollgate-'))
  const socketPath = join(socketDir, 'engine.sock')
  const secret = new Secret(randomBytes(32).toString('base64url'))
  const launch = (): Promise<RunningEngine> =>
    launchReported(options, {
      dataDir,
      socketPath,
      secret: secret.reveal(),
      memoryBytes: options.memoryBytes ?? 1_000_000_000,
      lockWaitMs: options.lockWaitMs ?? 5_000,
    })
  const first = await launch().catch((error: unknown) => {
    rmSync(socketDir, { recursive: true, force: true })
    throw error
  })
  const exitListeners: ((exit: ProcessExit) => void)[] = []
  const restartListeners: (() => void)[] = []
  const kept = keepRunning(first, {
    launch,
    backoffMs: options.backoffMs ?? 200,
    onExit: (exit, waitMs) => {
      logger.error({ ...exit, waitMs }, 'embedded clickhouse ended; starting it again')
      for (const listener of exitListeners) listener(exit)
    },
    onRestart: () => {
      for (const listener of restartListeners) listener()
    },
    onFailedStart: (error) => logger.error({ err: error }, 'embedded clickhouse did not start; trying again'),
  })
  return {
    connection: { url: 'http://embedded', username: engineUsername, password: secret, socketPath },
    version: first.version,
    pid: () => kept.current()?.pid,
    onExit: (listener) => void exitListeners.push(listener),
    onRestart: (listener) => void restartListeners.push(listener),
    close: async () => {
      await kept.close()
      rmSync(socketDir, { recursive: true, force: true })
    },
  }
}

/** Makes the folder, closed to other accounts, or says at once what is wrong with it. */
function prepareFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new EmbeddedEngineError('open', dataDir, error instanceof Error ? error.message : String(error))
  }
}

/** One start, told to the log, and its damaged parts to whoever must raise the alarm. */
async function launchReported(
  options: EmbeddedClickHouseOptions,
  order: Parameters<typeof launchEngine>[0],
): Promise<RunningEngine> {
  const { logger, onDamagedParts } = options
  const engine = await launchEngine(order, (line) => logger.debug({ line }, 'engine output'))
  logger.info({ pid: engine.pid, version: engine.version }, 'embedded clickhouse is ready')
  if (engine.damagedParts.length > 0) {
    logger.error({ dataDir: order.dataDir, parts: engine.damagedParts }, 'clickhouse put damaged parts aside')
    onDamagedParts?.(engine.damagedParts)
  }
  return engine
}
