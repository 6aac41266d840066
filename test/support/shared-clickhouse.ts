// One ClickHouse for several gateways, as a server would be: the embedded engine behind a port of its own. It goes when the
// file's tests are done.
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { startEmbeddedClickHouse } from '../../src/ledger/embedded/supervisor.ts'
import { quietLogger } from './quiet-logger.ts'

/** Starts it in a folder; `env` leads a gateway there. */
export async function startSharedClickHouse(folder: string): Promise<{
  readonly env: { readonly [name: string]: string }
  readonly close: () => Promise<void>
}> {
  const engine = await startEmbeddedClickHouse({
    dataDir: join(folder, 'engine'),
    logger: quietLogger,
    memoryBytes: 500_000_000,
  })
  const { socketPath = '', username = '', password } = engine.connection
  const open = new Set<Socket>()
  const server = createServer((from) => {
    const to = connect(socketPath)
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const passwordFile = join(folder, 'clickhouse-password')
  writeFileSync(passwordFile, password?.reveal() ?? '', { mode: 0o600 })
  return {
    env: {
      TOLLGATE_CLICKHOUSE_URL: `http://127.0.0.1:${portOf(server.address())}`,
      TOLLGATE_CLICKHOUSE_USER: username,
      TOLLGATE_CLICKHOUSE_PASSWORD_FILE: passwordFile,
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await engine.close()
    },
  }
}

const portOf = (address: AddressInfo | string | null): number =>
  address !== null && typeof address === 'object' ? address.port : 0
