// Every method of the SDK's client against the simulator: what it answers is what the SDK's own declarations say,
// field by field, item by item over several pages, event by event.
import { createServer } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { loadScenarioLibrary } from '../../src/simulator/play/scenario-library.ts'
import { createManualClock, type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { walkBatchResults } from '../support/every-method/messages-walk.ts'
import { rareEvents, walkRareEvents } from '../support/every-method/rare-events.ts'
import { walkEvents } from '../support/every-method/sessions-walk.ts'
import { type Stage, seatId, seatKey } from '../support/every-method/stage.ts'
import { walkTunnelTokens } from '../support/every-method/tunnels-walk.ts'
import { methodsOf, misfitsOfWalk, uncalled, walks } from '../support/every-method/walks.ts'
import { portOf } from '../support/raw-upstream.ts'
import { type Answer, answersOf } from '../support/sdk/answers.ts'
import { discriminatorsOf } from '../support/sdk/type-view.ts'
import { createWatch } from '../support/sdk/watched-client.ts'

const watch = createWatch()
const clock = createManualClock()
let simulator: Simulator
let client: Anthropic
let stage: Stage

beforeAll(async () => {
  simulator = await startSimulator({
    clock,
    scenarios: [rareEvents],
    selfHosted: [{ environmentId: seatId, environmentKey: seatKey }],
  })
  const baseURL = simulator.url
  client = new Anthropic({ baseURL, apiKey: simulator.apiKey, maxRetries: 0 })
  const worker = new Anthropic({ baseURL, authToken: seatKey, maxRetries: 0 })
  stage = { client: watch.over(client), worker: watch.over(worker), clock, simulator, watch }
})
afterAll(() => simulator.close())

test.each(Object.entries(walks))('%s answer what the SDK declares', async (_, walk) => {
  expect(await misfitsOfWalk(stage, walk)).toEqual([])
})

test('the results of a batch are what the SDK declares', async () => {
  expect(await misfitsOfWalk(stage, walkBatchResults)).toEqual([])
})

test('the tokens of a tunnel are what the SDK declares', async () => {
  expect(await misfitsOfWalk(stage, walkTunnelTokens)).toEqual([])
})

test.each([...loadScenarioLibrary().keys()])('every event of scenario %s is declared', async (name) => {
  expect(await misfitsOfWalk(stage, (on) => walkEvents(on, name))).toEqual([])
})

test('every event of a story of rare ones is declared', async () => {
  expect(await misfitsOfWalk(stage, walkRareEvents)).toEqual([])
})

test('delivered webhooks unwrap to events that the SDK declares', async () => {
  const arrivals: { readonly body: string; readonly headers: Record<string, string> }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const headers = Object.entries(request.headers).map(([key, value]) => [key, String(value)])
    arrivals.push({ body, headers: Object.fromEntries(headers) })
    response.end()
  })
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  // The SDK holds the time of a signature against the machine's clock.
  const today = await startSimulator({ clock: createManualClock(Date.now()) })
  onTestFinished(today.close)
  const url = `http://127.0.0.1:${portOf(server)}/`
  const { signing_secret: key } = today.webhooks.add({ url })
  const sender = new Anthropic({ baseURL: today.url, apiKey: today.apiKey, maxRetries: 0 })
  const made = await sender.beta.agents.create({ name: 'helper', model: 'claude-sonnet-5-5' })
  await sender.beta.agents.archive(made.id)
  await sender.beta.vaults.delete((await sender.beta.vaults.create({ display_name: 'x' })).id)
  await today.webhooks.settled()
  const { webhooks } = stage.client.beta
  for (const { body, headers } of arrivals) {
    expect(webhooks.unwrap(body, { headers, key })).toEqual(webhooks.parseUnverified(body))
  }
  await watch.settled()
  expect(arrivals.length).toBeGreaterThanOrEqual(4)
  expect(watch.misfits).toEqual([])
})

/** The names of the methods that answer so, as the SDK declares. */
const methodsAnswering = (kind: Answer['kind']): readonly string[] =>
  methodsOf(client).filter((name) => {
    if (name in uncalled) return false
    const path = name.split('.')
    return answersOf(path.slice(0, -1), path.at(-1) ?? '').some((answer) => answer.kind === kind)
  })

test('no method was left out', () => {
  const methods = methodsOf(client)
  expect(methods.length).toBeGreaterThan(150)
  expect([...watch.called, ...Object.keys(uncalled)].toSorted()).toEqual(methods.toSorted())
})

test('every list was walked over several pages', () => {
  const lists = methodsAnswering('page')
  expect(lists.length).toBeGreaterThan(25)
  expect(lists.filter((name) => (watch.pages.get(name) ?? 0) < 3)).toEqual([])
})

test('every stream yielded', () => {
  expect([...watch.streamed.keys()].toSorted()).toEqual(methodsAnswering('stream').toSorted())
})

test('the stories tell every type of event that the SDK declares', () => {
  const [answer] = answersOf(['beta', 'sessions', 'events'], 'stream')
  const declared = answer?.kind === 'stream' ? discriminatorsOf(answer.item, 'type') : []
  expect(declared.length).toBeGreaterThan(30)
  const seen = watch.streamed.get('beta.sessions.events.stream')
  expect(declared.filter((type) => seen?.has(type) !== true)).toEqual([])
})
