// The corridor alone, for tests of the data path: real gateway, forward and tap, real sockets; everybody may do everything.
import type { FastifyInstance } from 'fastify'
import type { ExchangeRecord } from '../../src/audit/exchange-record.ts'
import { grant } from '../../src/authorize/permit.ts'
import { createForward } from '../../src/forward/forward.ts'
import { createPools, type PoolOptions, type Pools } from '../../src/forward/pools.ts'
import { type Gateway, type GatewayDeps, registerGateway } from '../../src/gateway/gateway.ts'
import { createGatewayServer } from '../../src/gateway/server.ts'
import type { Caller } from '../../src/identify/caller.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Sighting } from '../../src/tap/sighting.ts'
import { createTap } from '../../src/tap/tap.ts'
import { readJsonBody } from '../../src/upstream/body.ts'
import { operations } from '../../src/upstream/operations.ts'
import { canonicalPath } from '../../src/upstream/path.ts'
import { portOf } from './raw-upstream.ts'

export type Corridor = {
  readonly url: string
  readonly port: number
  readonly app: FastifyInstance
  readonly gateway: Gateway
  readonly pools: Pools
  readonly settled: ExchangeRecord[]
  readonly sightings: Sighting[]
  readonly tapFailures: string[]
  /** Resolves when `count` exchanges have settled. */
  readonly settledCount: (count: number) => Promise<void>
  readonly close: () => Promise<void>
}

export const upstreamKey = 'sk-ant-test-the-upstream-credential'

export type CorridorOptions = Partial<PoolOptions> & {
  readonly bodyLimitBytes?: number
  readonly stallTimeoutMs?: number
  /** Other rooms than the permissive ones; with `onSettled` or `onSightings` nothing is collected here. */
  readonly deps?: Partial<GatewayDeps>
  readonly onSightings?: (seen: readonly Sighting[]) => void
}

const tester: Caller = {
  id: 'tester',
  team: 'testers',
  roles: ['admin'],
  keyId: 'k',
  costCentre: '',
  via: 'key',
  subject: '',
  scopes: null,
  expiresMs: null,
  bringsUpstreamBearer: false,
}
const traceId = '0af7651916cd43dd8448eb211c80319c'

/** Opens a corridor in front of `upstreamUrl`. */
export async function openCorridor(upstreamUrl: string, options: CorridorOptions = {}): Promise<Corridor> {
  const settled: ExchangeRecord[] = []
  const sightings: Sighting[] = []
  const tapFailures: string[] = []
  const waiters = new Set<() => void>()
  const pools = createPools({ url: new URL(upstreamUrl), ...options })
  const app = createGatewayServer({
    bodyLimitBytes: options.bodyLimitBytes ?? 32 * 1024 * 1024,
    onMalformed: () => {},
  })
  const gateway = registerGateway(app, {
    operations,
    clock: systemClock,
    canonicalPath,
    methodsAt: () => [],
    readJsonBody,
    identify: () => tester,
    readPeerCertificate: () => null,
    recheck: () => null,
    fund: () => null,
    stopped: () => null,
    writeLimit: (body) => body,
    stamp: () => null,
    editAnswer: () => null,
    tokenEndpoint: null,
    pin: () => ({ kind: 'open' }),
    authorize: ({ operation, caller, path, body }) =>
      grant({ operation, caller, path, body, capabilities: [], masks: [], rules: [], policyHash: 'test' }),
    inspect: () => {},
    journalAccepts: () => true,
    isClosing: () => false,
    startSpan: () => ({ traceId, traceparent: `00-${traceId}-b7ad6b7169203331-01`, end: () => {} }),
    forward: createForward({
      route: () => ({ pools, authorization: `Bearer ${upstreamKey}` }),
      drainsMax: 100,
      drainTimeoutMs: 60_000,
      stallTimeoutMs: options.stallTimeoutMs ?? 300_000,
    }),
    createTap: (tapped) =>
      createTap(
        {
          clock: systemClock,
          onSightings: options.onSightings ?? ((seen) => void sightings.push(...seen)),
          onUnknown: () => {},
          onFailure: (reason) => void tapFailures.push(reason),
        },
        tapped,
      ),
    beforeForward: () => null,
    onOpened: () => {},
    onSettled: (record) => {
      settled.push(record)
      for (const check of waiters) check()
    },
    ...options.deps,
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = portOf(app.server)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    app,
    gateway,
    pools,
    settled,
    sightings,
    tapFailures,
    settledCount: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (settled.length < count) return
          waiters.delete(check)
          resolve()
        }
        waiters.add(check)
        check()
      }),
    close: async () => {
      gateway.cutAll()
      app.server.closeAllConnections()
      await app.close()
      await pools.close()
    },
  }
}
