// The ledger of this configuration: a ClickHouse server, or the embedded engine under the data folder. One code path behind it.
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Logger } from './kernel/logger.ts'
import {
  type ClickHouseConnection,
  type ClickHouseLedger,
  createClickHouseLedger,
} from './ledger/clickhouse.ts'
import { startEmbeddedClickHouse } from './ledger/embedded/supervisor.ts'
import { migrate } from './ledger/migrate.ts'

export type OpenedLedger = {
  readonly ledger: ClickHouseLedger
  /** How another process of ours reaches it. */
  readonly connection: ClickHouseConnection
  readonly cluster: string | null
  /** For people: which engine answers. */
  readonly description: string
  readonly migrate: () => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

/** Starts the embedded engine if there is no server. A server that does not answer is no error here: ask `migrate`. */
export async function openLedger(
  config: Pick<Config, 'ledger' | 'dataDir'>,
  logger: Logger,
): Promise<OpenedLedger> {
  if (config.ledger.kind === 'server') {
    const { url, username, password, cluster } = config.ledger
    const connection = { url, username, password }
    const ledger = createClickHouseLedger(connection)
    return {
      ledger,
      connection,
      cluster,
      description: `ClickHouse server ${url}`,
      migrate: () => migrate(ledger, cluster === null ? {} : { cluster }),
      close: () => ledger.close(),
    }
  }
  const dataDir = join(config.dataDir, 'clickhouse')
  const embedded = await startEmbeddedClickHouse({ dataDir, logger })
  const ledger = createClickHouseLedger(embedded.connection)
  return {
    ledger,
    connection: embedded.connection,
    cluster: null,
    description: `embedded ClickHouse ${embedded.version} in ${dataDir}`,
    migrate: () => migrate(ledger),
    close: async () => {
      await ledger.close()
      await embedded.close()
    },
  }
}
