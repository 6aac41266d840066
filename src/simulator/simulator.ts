// A stand-in for the Claude Managed Agents API over real HTTP: agents, environments, sessions, events, threads
// and models, played from scenarios, with its own bill. It shares no code with the gateway, on purpose.

import { createServer, type Server } from 'node:http'
import { agentRoutes } from './agents/agents.ts'
import { type Bill, makeBill } from './billing/bill.ts'
import { realClock, type SimulatorClock } from './clock.ts'
import { environmentRoutes } from './environments/environments.ts'
import { createCredentialBook } from './http/credentials.ts'
import { createEventStreams } from './http/event-stream.ts'
import { createRequestRecorder, type RequestRecord } from './http/request-record.ts'
import { json, type Route } from './http/router.ts'
import { createListener } from './http/server.ts'
import { modelRoutes } from './models/models.ts'
import { parseScenario, type ScenarioInput } from './play/scenario.ts'
import { loadScenarioLibrary } from './play/scenario-library.ts'
import { sessionEventRoutes } from './sessions/session-events.ts'
import { sessionRoutes } from './sessions/sessions.ts'
import { createWorld } from './world.ts'

export type { Bill, ModelBill, SessionBill } from './billing/bill.ts'
export { createManualClock, type ManualClock, type SimulatorClock } from './clock.ts'
export type { RequestRecord } from './http/request-record.ts'
export type { ScenarioInput } from './play/scenario.ts'

export type SimulatorOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: a free port. */
  readonly port?: number
  /** The keys it accepts, as `Authorization: Bearer` or `x-api-key`. Default `['sk-ant-sim-local']`. */
  readonly apiKeys?: readonly [string, ...string[]]
  /** What sessions play unless their metadata says otherwise: a library name or a scenario. Default `default`. */
  readonly scenario?: string | ScenarioInput
  /** More scenarios that sessions may name in `metadata.simulator_scenario`. */
  readonly scenarios?: readonly ScenarioInput[]
  /** Default the machine's clock. */
  readonly clock?: SimulatorClock
  /** Milliseconds between the pings of open streams. Default 15,000. */
  readonly heartbeatMs?: number
  /** How many of the latest requests are kept for `requests()`. Default 10,000. */
  readonly requestsMax?: number
}

export type Simulator = {
  /** `http://host:port`, no slash at the end. */
  readonly url: string
  /** The first of `apiKeys`. */
  readonly apiKey: string
  readonly clock: SimulatorClock
  /** What the provider would charge, by session, at this moment. Also `GET /simulator/bill`. */
  readonly bill: () => Bill
  /** What reached it, oldest first. Also `GET /simulator/requests`. Its own paths are not in it. */
  readonly requests: () => readonly RequestRecord[]
  /** Event streams open at this moment. */
  readonly openStreams: () => number
  /** Ends the streams and stops listening. Safe to call twice. */
  readonly close: () => Promise<void>
}

/**
 * Starts a simulator and answers when it listens. All state is in memory and gone when it closes.
 * Throws when the address cannot be had or the scenario is unknown or not valid.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, apiKeys = ['sk-ant-sim-local'], clock = realClock } = options
  const credentials = createCredentialBook(apiKeys, clock.nowMs)
  const world = createWorld({ clock, credentials, ...gatherScenarios(options) })
  const streams = createEventStreams(clock, options.heartbeatMs ?? 15_000)
  const recorder = createRequestRecorder(credentials.find, options.requestsMax ?? 10_000)
  const bill = () => makeBill(world)
  const requests = () => recorder.records().filter(({ path }) => !path.startsWith('/simulator/'))

  const inspection: readonly Route[] = [
    { method: 'GET', pattern: '/simulator/bill', access: 'open', run: () => json(bill()) },
    { method: 'GET', pattern: '/simulator/requests', access: 'open', run: () => json({ data: requests() }) },
  ]
  const routes = [
    ...agentRoutes(world),
    ...environmentRoutes(world),
    ...sessionRoutes(world),
    ...sessionEventRoutes(world, streams),
    ...modelRoutes(),
    ...inspection,
  ]
  const server = createServer(createListener({ routes, clock, credentials, recorder }))
  server.keepAliveTimeout = 60_000
  const boundPort = await listen(server, host, port)

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    apiKey: apiKeys[0],
    clock,
    bill,
    requests,
    openStreams: streams.open,
    close: async () => {
      for (const { player } of world.sessions.values()) player.stop()
      streams.close()
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function gatherScenarios({ scenario = 'default', scenarios = [] }: SimulatorOptions) {
  const known = new Map(loadScenarioLibrary())
  const given = typeof scenario === 'string' ? scenarios : [...scenarios, scenario]
  for (const input of given) known.set(input.name, parseScenario(input))
  const name = typeof scenario === 'string' ? scenario : scenario.name
  const defaultScenario = known.get(name)
  if (defaultScenario === undefined) {
    throw new Error(`no scenario \`${name}\`: choose one of \`${[...known.keys()].join('`, `')}\``)
  }
  return { scenarios: known, defaultScenario }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : port)
    })
  })
}
