// The connections to one upstream: two undici pools, so that open streams can never starve short calls.
// HTTP/1.1 only (HTTP/2 in undici measured 3-5 times the CPU), certificates always verified, no retries.
import { Pool } from 'undici'

export type PoolOptions = {
  /** Origin of the upstream, e.g. `https://api.anthropic.com`. A path prefix is not supported. */
  readonly url: URL
  /** PEM of a private certificate authority; the system's list when absent. */
  readonly caPem?: string
  /** Concurrent short calls; more wait in the pool. */
  readonly connectionsMax?: number
  /** Wait for response headers; long non-streaming calls are legal upstream, hence ten minutes. */
  readonly headersTimeoutMs?: number
  /** Silence allowed inside a short answer's body. Streams have no such limit. */
  readonly bodyTimeoutMs?: number
}

export type Pools = {
  readonly host: string
  /** Short calls: bounded connections, bounded silence. */
  readonly api: Pool
  /** Server-sent events, uploads, downloads: unbounded connections, silence is normal (TCP keep-alive finds dead peers). */
  readonly stream: Pool
  readonly close: () => Promise<void>
}

/** Opens no connection until the first request. `close` destroys what is still open. */
export function createPools(options: PoolOptions): Pools {
  const common = {
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 4_000,
    headersTimeout: options.headersTimeoutMs ?? 600_000,
    connect: {
      rejectUnauthorized: true,
      timeout: 10_000,
      ...(options.caPem === undefined ? {} : { ca: options.caPem }),
    },
  }
  const api = new Pool(options.url.origin, {
    ...common,
    connections: options.connectionsMax ?? 128,
    bodyTimeout: options.bodyTimeoutMs ?? 300_000,
  })
  const stream = new Pool(options.url.origin, { ...common, connections: null, bodyTimeout: 0 })
  return {
    host: options.url.host,
    api,
    stream,
    close: async () => {
      await Promise.all([api.destroy(), stream.destroy()])
    },
  }
}
