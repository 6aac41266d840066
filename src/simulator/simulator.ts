// A stand-in for the Claude Managed Agents API over real HTTP: agents, environments, sessions, events, threads
// and models, played from scenarios, with its own bill. It shares no code with the gateway, on purpose.

import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type FederationOptions, tokenRoutes } from './accounts/token-endpoint.ts'
import { tunnelRoutes } from './accounts/tunnels.ts'
import { userProfileStandingRoutes } from './accounts/user-profile-standing.ts'
import { userProfileRoutes } from './accounts/user-profiles.ts'
import { agentRoutes } from './agents/agents.ts'
import { analyticsRoutes } from './analytics/analytics.ts'
import { type Bill, makeBill } from './billing/bill.ts'
import { realClock, type SimulatorClock } from './clock.ts'
import { clockRoutes } from './clock-routes.ts'
import { createDeployments } from './deployments/deployments.ts'
import { dreamRoutes } from './dreams/dreams.ts'
import { environmentRoutes } from './environments/environments.ts'
import { feedWork } from './environments/work-feed.ts'
import { workRoutes } from './environments/work-routes.ts'
import { admitWorkers } from './environments/worker-access.ts'
import { environmentKeyRoutes, type SelfHostedSeat, takeSeats } from './environments/worker-credentials.ts'
import { type FaultInput, parseBookings } from './faults/fault.ts'
import { type BookedFault, createFaultBook } from './faults/fault-book.ts'
import { faultRoutes } from './faults/fault-routes.ts'
import { fileRoutes } from './files/files.ts'
import { createCredentialBook } from './http/credentials.ts'
import { createEventStreams } from './http/event-stream.ts'
import { createRateLimiter, type RateLimits } from './http/rate-limit.ts'
import { createRequestRecorder, type RequestRecord } from './http/request-record.ts'
import { json, type Route } from './http/router.ts'
import { createListener } from './http/server.ts'
import { seedIds } from './ids.ts'
import { memoryStoreRoutes } from './memory/memory-stores.ts'
import { type MessageBill, makeMessageBill } from './messages/message-bill.ts'
import { messageRoutes } from './messages/messages.ts'
import { modelRoutes } from './models/models.ts'
import { parseScenario, type ScenarioInput } from './play/scenario.ts'
import { loadScenarioLibrary } from './play/scenario-library.ts'
import { sessionEventRoutes } from './sessions/session-events.ts'
import { sessionRoutes } from './sessions/sessions.ts'
import { skillRoutes } from './skills/skills.ts'
import { vaultRoutes } from './vaults/vaults.ts'
import type { WebhookInput } from './webhooks/endpoint.ts'
import { createWebhooks, type WebhookControls } from './webhooks/webhooks.ts'
import { createWorld } from './world.ts'

export type { Bill, ModelBill, SessionBill } from './billing/bill.ts'
export { createManualClock, type ManualClock, type SimulatorClock } from './clock.ts'
export type { FaultInput } from './faults/fault.ts'
export type { BookedFault } from './faults/fault-book.ts'
export { documentedRateLimits, type RateLimits } from './http/rate-limit.ts'
export type { RequestRecord } from './http/request-record.ts'
export type { MessageBill, MessageBillLine } from './messages/message-bill.ts'
export type { ScenarioInput } from './play/scenario.ts'
export type { WebhookInput } from './webhooks/endpoint.ts'
export type { WebhookControls, WebhookEndpoint } from './webhooks/webhooks.ts'

export type SimulatorOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: a free port. */
  readonly port?: number
  /** The keys it accepts, as `Authorization: Bearer` or `x-api-key`. Default `['sk-ant-sim-local']`. */
  readonly apiKeys?: readonly [string, ...string[]]
  /** The keys of the organization's own endpoints, such as analytics. Default `['sk-ant-admin-sim-local']`. */
  readonly adminKeys?: readonly [string, ...string[]]
  /** What sessions play unless their metadata says otherwise: a library name or a scenario. Default `default`. */
  readonly scenario?: string | ScenarioInput
  /** More scenarios that sessions may name in `metadata.simulator_scenario`. */
  readonly scenarios?: readonly ScenarioInput[]
  /** Default the machine's clock. */
  readonly clock?: SimulatorClock
  /** Fixes all ids and tokens, for the whole process and until it closes; see `ids.ts`. Default chance. */
  readonly seed?: string
  /** Self-hosted environments that are there from the start, with their keys. Default none. */
  readonly selfHosted?: readonly SelfHostedSeat[]
  /** Whose identity tokens `POST /v1/oauth/token` takes. Default anybody's that has not expired. */
  readonly federation?: FederationOptions
  /** Where contents of large files lie until it closes. Default the system's directory for such things. */
  readonly temporaryDirectory?: string
  /** Milliseconds between the pings of open streams. Default 15,000. */
  readonly heartbeatMs?: number
  /** How many of the latest requests are kept for `requests()`. Default 10,000. */
  readonly requestsMax?: number
  /** Requests a minute and key may send. Default no limits. */
  readonly rateLimits?: RateLimits
  /** Faults that wait for their requests from the start. Default none. */
  readonly faults?: readonly FaultInput[]
  /** Webhook endpoints of the workspace that are there from the start. Default none. */
  readonly webhooks?: readonly WebhookInput[]
  /** Where webhooks may go besides this machine, such as `https://hooks.test:8443`. Default nowhere. */
  readonly webhookOrigins?: readonly string[]
  /** Compresses JSON answers for clients that accept gzip. Default false. */
  readonly compression?: boolean
  /** Speaks HTTPS with this certificate (PEM), whoever may trust it. Default plain HTTP. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}

export type Simulator = {
  /** `http://host:port`, or `https:`, no slash at the end. */
  readonly url: string
  /** The first of `apiKeys`. */
  readonly apiKey: string
  /** The first of `adminKeys`. */
  readonly adminKey: string
  readonly clock: SimulatorClock
  /** What the provider would charge, by session, at this moment. Also `GET /simulator/bill`. */
  readonly bill: () => Bill
  /** What it would charge for messages and batches. Also `GET /simulator/message-bill`. */
  readonly messageBill: () => MessageBill
  /** What reached it, oldest first. Also `GET /simulator/requests`. Its own paths are not in it. */
  readonly requests: () => readonly RequestRecord[]
  /** What goes wrong on demand; also `/simulator/faults`. */
  readonly faults: {
    /** Throws when a fault is not valid. */
    readonly add: (faults: FaultInput | readonly FaultInput[]) => readonly BookedFault[]
    readonly list: () => readonly BookedFault[]
    readonly clear: (id?: string) => void
  }
  /** Webhook endpoints of the workspace and what was sent; also `/simulator/webhooks`. */
  readonly webhooks: WebhookControls
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
  const { adminKeys = ['sk-ant-admin-sim-local'] } = options
  if (options.seed !== undefined) seedIds(options.seed)
  const credentials = createCredentialBook(apiKeys, clock.nowMs)
  for (const key of adminKeys) credentials.add(key, { kind: 'admin_key' })
  const world = createWorld({
    clock,
    credentials,
    ...gatherScenarios(options),
    ...(options.temporaryDirectory === undefined ? {} : { temporaryDirectory: options.temporaryDirectory }),
  })
  const webhooks = createWebhooks(world, options.webhooks ?? [], options.webhookOrigins ?? [])
  const deployments = createDeployments(world)
  feedWork(world)
  takeSeats(world, options.selfHosted ?? [])
  const streams = createEventStreams(clock, options.heartbeatMs ?? 15_000)
  const recorder = createRequestRecorder(credentials.find, options.requestsMax ?? 10_000)
  const faults = createFaultBook()
  faults.add(parseBookings(options.faults ?? []))
  const bill = () => makeBill(world)
  const messageBill = () => makeMessageBill(world.messageLedger)
  const requests = () => recorder.records().filter(({ path }) => !path.startsWith('/simulator/'))

  const inspection: readonly Route[] = [
    { method: 'GET', pattern: '/simulator/bill', access: 'open', run: () => json(bill()) },
    { method: 'GET', pattern: '/simulator/message-bill', access: 'open', run: () => json(messageBill()) },
    { method: 'GET', pattern: '/simulator/requests', access: 'open', run: () => json({ data: requests() }) },
  ]
  const routes = [
    ...agentRoutes(world),
    ...environmentRoutes(world),
    ...workRoutes(world),
    ...environmentKeyRoutes(world),
    ...tokenRoutes(world, options.federation),
    ...vaultRoutes(world),
    ...memoryStoreRoutes(world),
    ...dreamRoutes(world),
    ...sessionRoutes(world),
    ...sessionEventRoutes(world, streams),
    ...deployments.routes,
    ...fileRoutes(world),
    ...skillRoutes(world),
    ...userProfileRoutes(world),
    ...userProfileStandingRoutes(world),
    ...tunnelRoutes(world),
    ...modelRoutes(),
    ...messageRoutes(world),
    ...analyticsRoutes(world),
    ...inspection,
    ...faultRoutes(faults),
    ...clockRoutes(clock),
    ...webhooks.routes,
  ]
  const listener = createListener({
    routes: admitWorkers(world, routes),
    clock,
    credentials,
    recorder,
    limiter: createRateLimiter(options.rateLimits ?? {}, clock),
    faults,
    compresses: options.compression ?? false,
  })
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener)
  server.keepAliveTimeout = 60_000
  const boundPort = await listen(server, host, port)

  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    apiKey: apiKeys[0],
    adminKey: adminKeys[0],
    clock,
    bill,
    messageBill,
    requests,
    faults: {
      add: (inputs) => faults.add(parseBookings(inputs)),
      list: faults.list,
      clear: (id) => void faults.clear(id),
    },
    webhooks: webhooks.controls,
    openStreams: streams.open,
    close: async () => {
      if (options.seed !== undefined) seedIds(null)
      for (const { player } of world.sessions.values()) player.stop()
      deployments.stop()
      await webhooks.stop()
      streams.close()
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await world.files.close()
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
