// Some families of the simulator over real HTTP, with their world in the test's hand: what it announces, and what
// sessions do in it that no request does.
import { createServer } from 'node:http'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { onTestFinished } from 'vitest'
import { createFaultBook } from '../../src/simulator/faults/fault-book.ts'
import { createCredentialBook } from '../../src/simulator/http/credentials.ts'
import { createRateLimiter } from '../../src/simulator/http/rate-limit.ts'
import { createRequestRecorder } from '../../src/simulator/http/request-record.ts'
import type { Route } from '../../src/simulator/http/router.ts'
import { createListener } from '../../src/simulator/http/server.ts'
import { parseScenario } from '../../src/simulator/play/scenario.ts'
import { createManualClock } from '../../src/simulator/simulator.ts'
import { type Announcement, createWorld, type World } from '../../src/simulator/world.ts'
import { until } from './until.ts'

const keys: readonly [string, string] = ['sk-ant-sim-one', 'sk-ant-sim-two']

/** Listens until the test is over. `client` holds the first of two keys, `second` the other. */
export async function startWorld(routesOf: (world: World) => readonly Route[]) {
  const clock = createManualClock()
  const credentials = createCredentialBook(keys, clock.nowMs)
  const defaultScenario = parseScenario({ name: 'silent', turns: [[]] })
  const world = createWorld({ clock, credentials, scenarios: new Map(), defaultScenario })
  const announced: Announcement[] = []
  world.onAnnounced((announcement) => announced.push(announcement))

  const recorder = createRequestRecorder(credentials.find, 1_000)
  const limiter = createRateLimiter({}, clock)
  const routes = routesOf(world)
  const server = createServer(
    createListener({
      routes,
      clock,
      credentials,
      recorder,
      limiter,
      faults: createFaultBook(),
      compresses: false,
    }),
  )
  server.listen(0, '127.0.0.1')
  const address = await until(
    () => server.address(),
    (at) => at !== null,
  )
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const url = `http://127.0.0.1:${port}`
  const clientOf = (apiKey: string) => new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })
  return {
    world,
    clock,
    url,
    client: clientOf(keys[0]),
    second: clientOf(keys[1]),
    clientOf,
    announced,
    requests: recorder.records,
  }
}

/** What a call was refused with, and what else stands in its `error`. */
export type Refusal = {
  readonly status: number
  readonly headers: Headers
  readonly message: string
  readonly [member: string]: unknown
}

/** The refusal of a call. Fails when it was not refused. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) throw new Error('the call was not refused')
  const { status, headers, error: body } = error
  return { status, headers, ...Object(body).error }
}

/** Everything an auto-paging list yields. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
