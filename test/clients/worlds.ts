// Two equal worlds for one client: a simulator it talks to directly, and the real gateway in front of another one.
// Both begin empty at the same moment and their clocks move only when told, so equal programs see equal answers.
import type { RequestRecord, Simulator, SimulatorOptions } from '../../src/simulator/simulator.ts'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { openTestHouse } from '../support/house.ts'
import { maskSerial } from './mask.ts'

export type World = {
  /** What the client is told as its base URL and its key. */
  readonly url: string
  readonly key: string
  /** The upstream in the end. */
  readonly simulator: Simulator
  /** Moves the upstream's time. */
  readonly advance: (ms: number) => void
  /** What the upstream was asked since the last look, as `seenRequest` shows it. */
  readonly takeRequests: () => readonly SeenRequest[]
}

export type Worlds = {
  readonly direct: World
  readonly through: World
  readonly close: () => Promise<void>
}

export type SeenRequest = {
  readonly line: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Opens both. Their answers are compressed for clients that ask for it. */
export async function openWorlds(options: SimulatorOptions = {}): Promise<Worlds> {
  const shared = { compression: true, ...options }
  const clocks = { direct: createManualClock(), through: createManualClock() }
  const simulator = await startSimulator({ ...shared, clock: clocks.direct })
  // A stamp is a change that is wanted; without it there is nothing to look past.
  // By default the answer of a message is read on when its client hangs up (`docs/metering.md`), and no upstream hears of it.
  const env = { TOLLGATE_STAMPING: 'off', TOLLGATE_MESSAGE_DRAINS_MAX: '0' }
  const house = await openTestHouse({ simulator: { ...shared, clock: clocks.through }, env })
  return {
    direct: createWorld(simulator.url, simulator.apiKey, simulator, clocks.direct.advance),
    through: createWorld(house.gatewayUrl, house.key, house.simulator, clocks.through.advance),
    close: async () => {
      await simulator.close()
      await house.destroy()
    },
  }
}

function createWorld(url: string, key: string, simulator: Simulator, advance: World['advance']): World {
  let taken = 0
  return {
    url,
    key,
    simulator,
    advance,
    takeRequests: () => {
      const fresh = simulator.requests().slice(taken)
      taken += fresh.length
      const mask = maskSerial()
      return fresh.map((record) => seenRequest(record, mask))
    },
  }
}

// The written list of what may differ on the way up: where it goes, whose key it carries, how the connection is kept,
// that answers we read come uncompressed, and our trace.
const mayDiffer: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-api-key',
  'connection',
  'accept-encoding',
  'transfer-encoding',
  'traceparent',
])

function seenRequest(record: RequestRecord, mask: (text: string) => string): SeenRequest {
  const headers = Object.entries(record.headers).filter(([name]) => !mayDiffer.has(name))
  return {
    line: mask(`${record.method} ${record.path}`),
    headers: Object.fromEntries(headers),
    body: mask(record.bodyText),
  }
}
