// The Messages API through `@ai-sdk/anthropic`, a client that shares no code with Anthropic's own.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../support/until.ts'
import { collect, refusalOf } from './managed-agents-walk.ts'
import { sameBothWays } from './same-both-ways.ts'
import { openWorlds, type World, type Worlds } from './worlds.ts'

// What the walk uses of the two packages, which the compiler does not know.
type Model = { readonly modelId: string }
type Call = {
  readonly model: Model
  readonly prompt: string
  readonly maxRetries?: number
  readonly abortSignal?: AbortSignal
  readonly tools?: Readonly<Record<string, unknown>>
  readonly onError?: (failure: unknown) => void
}
type Generated = {
  readonly text: string
  readonly finishReason: string
  readonly usage: object
  readonly toolCalls: readonly { readonly toolName: string; readonly input: unknown }[]
}
const callable = <Signature>() =>
  z.custom<Signature>((value) => typeof value === 'function', 'not a function')
const aiShape = z.object({
  generateText: callable<(call: Call) => Promise<Generated>>(),
  streamText: callable<(call: Call) => { readonly fullStream: AsyncIterable<{ readonly type: string }> }>(),
  tool: callable<(definition: object) => unknown>(),
})
type Settings = { readonly baseURL: string; readonly apiKey?: string; readonly authToken?: string }
const anthropicShape = z.object({
  createAnthropic: callable<(settings: Settings) => (modelId: string) => Model>(),
})
const load = (name: string): Promise<unknown> => import(name)
const installed = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version

// The parts carry what is each run's own: the headers of the answer, and when the client had it.
const partShape = z
  .looseObject({ type: z.string(), response: z.unknown().optional() })
  .transform(({ response, ...part }) => part)
const collectParts = async (parts: AsyncIterable<unknown>) => z.array(partShape).parse(await collect(parts))

let ai: z.output<typeof aiShape>
let createAnthropic: z.output<typeof anthropicShape>['createAnthropic']
let worlds: Worlds

beforeAll(async () => {
  ai = aiShape.parse(await load('ai'))
  createAnthropic = anthropicShape.parse(await load('@ai-sdk/anthropic')).createAnthropic
  worlds = await openWorlds()
})
afterAll(() => worlds?.close())

const modelOf = ({ url, key }: World, asToken = false): Model =>
  createAnthropic({ baseURL: `${url}/v1`, ...(asToken ? { authToken: key } : { apiKey: key }) })(
    'claude-sonnet-5-5',
  )
// This client takes no `citations: null`, which the SDK's types promise.
const scripted = (script: object) => `simulator: ${JSON.stringify({ ...script, omit_citations: true })}`
const calculator = () => ({
  calculator: ai.tool({ inputSchema: z.object({ sum: z.string() }), description: 'adds' }),
})

test('a text is the same, whichever of the two headers carries the key', async () => {
  const { given, asked } = await sameBothWays(worlds, async (world) => {
    const prompt = scripted({ text: 'Grüße 👋', usage: { input_tokens: 7, cache_read_input_tokens: 1000 } })
    const answers = []
    for (const asToken of [false, true]) {
      const { text, finishReason, usage } = await ai.generateText({ model: modelOf(world, asToken), prompt })
      answers.push({ text, finishReason, usage })
    }
    return answers
  })
  expect(given).toHaveLength(2)
  expect(given[0]).toMatchObject({ text: 'Grüße 👋', finishReason: 'stop', usage: { inputTokens: 1007 } })
  expect(given[1]).toEqual(given[0])
  expect(asked[0]?.headers['user-agent']).toContain(`ai/${installed('ai')}`)
  const sent = worlds.direct.simulator
    .requests()
    .map(({ headers }) => [headers['x-api-key'], headers['authorization']])
  expect(sent).toEqual([
    ['[key 0]', undefined],
    [undefined, '[key 0]'],
  ])
})

test('a stream brings the same parts, a tool call among them', async () => {
  const { given } = await sameBothWays(worlds, (world) => {
    const prompt = scripted({
      text: 'let me add that up',
      tool_use: [{ name: 'calculator', input: { sum: '1+1' } }],
    })
    return collectParts(ai.streamText({ model: modelOf(world), prompt, tools: calculator() }).fullStream)
  })
  expect(given.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['text-delta', 'tool-input-delta', 'tool-call', 'finish']),
  )
})

test('a stream that the upstream breaks in the middle breaks the same way', async () => {
  const { given } = await sameBothWays(worlds, (world) => {
    const prompt = scripted({ text: 'hello', error: { after_events: 4 } })
    return collectParts(ai.streamText({ model: modelOf(world), prompt, onError: () => {} }).fullStream)
  })
  expect(given.map(({ type }) => type)).toContain('error')
})

test('an overloaded upstream is asked again, or given up, as directly', async () => {
  const { given, asked } = await sameBothWays(worlds, async (world) => {
    const overloaded = { method: 'POST', path: '/v1/messages', status: 529, retry_after_ms: 1 }
    const call = { model: modelOf(world), prompt: scripted({ text: 'hi' }) }
    world.simulator.faults.add(overloaded)
    const { text } = await ai.generateText(call)
    world.simulator.faults.add(overloaded)
    return { text, refused: await ai.generateText({ ...call, maxRetries: 0 }).catch(refusalOf) }
  })
  expect(given.text).toBe('hi')
  expect(given.refused).toMatchObject({ class: 'APICallError' })
  expect(asked).toHaveLength(3)
})

test('an abort ends the stream, and the upstream learns of it', async () => {
  const { given } = await sameBothWays(worlds, async (world) => {
    const aborting = new AbortController()
    const requests = () => world.simulator.messageBill().lines.reduce((sum, line) => sum + line.requests, 0)
    const before = requests()
    const prompt = scripted({ text: 'never finished', delay_ms: 1000 })
    const { fullStream } = ai.streamText({ model: modelOf(world), prompt, abortSignal: aborting.signal })
    const types: string[] = []
    for await (const { type } of fullStream) {
      types.push(type)
      // The first event of the upstream is there, the second never comes: its time stands still.
      if (type === 'start-step') aborting.abort()
    }
    await until(requests, (now) => now > before)
    return types
  })
  expect(given.at(-1)).toBe('abort')
})
