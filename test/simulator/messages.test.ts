// The Messages API as the unmodified SDK sees it: answers, streams, usage, prompt cache, and what it refuses.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { expect, onTestFinished, test } from 'vitest'
import type { MessageScriptInput } from '../../src/simulator/messages/message-script.ts'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { expectInterface } from '../support/sdk-interfaces.ts'
import { until } from '../support/until.ts'

async function house() {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const admin = new Anthropic({ baseURL: simulator.url, apiKey: simulator.adminKey, maxRetries: 0 })
  /** What the messages so far are charged, in cents. */
  const cents = async () => {
    const day = { starting_at: '2026-12-01T00:00:00Z', ending_at: '2026-12-02T00:00:00Z' }
    const page = await admin.beta.organization.analytics.cost.list(day)
    return page.data[0]?.cost.list_amount
  }
  return { simulator, clock, client, cents }
}

const scripted = (script: MessageScriptInput) => `simulator: ${JSON.stringify(script)}`
const ask = (content: string, model = 'claude-opus-5') => ({
  model,
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content }],
})

const failureOf = async (call: PromiseLike<unknown>) => {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(APIError)
  return error instanceof APIError ? { status: error.status, message: error.message } : null
}

const calculator = {
  name: 'calculator',
  description: 'adds',
  input_schema: { type: 'object' as const, properties: { sum: { type: 'string' } }, required: ['sum'] },
}
const search = { type: 'web_search_20250305' as const, name: 'web_search' as const }

test('an unscripted answer counts one token for every four characters, in and out, and is billed so', async () => {
  const { client, cents } = await house()
  const message = await client.beta.messages.create(ask('x'.repeat(41)))
  expectInterface(message, 'messages/messages', 'BetaMessage')
  expectInterface(message.usage, 'messages/messages', 'BetaUsage')
  expect(message.content).toEqual([
    { type: 'text', text: `Simulated answer to: ${'x'.repeat(41)}`, citations: null },
  ])
  // 41 characters are 11 tokens, 62 are 16.
  expect(message).toMatchObject({ stop_reason: 'end_turn', usage: { input_tokens: 11, output_tokens: 16 } })
  const counted = await client.messages.countTokens({
    model: 'claude-opus-5',
    messages: ask('x'.repeat(41)).messages,
  })
  expect(counted.input_tokens).toBe(11)
  expectInterface(
    await client.beta.messages.countTokens({ model: 'claude-opus-5', messages: ask('hi').messages }),
    'messages/messages',
    'BetaMessageTokensCount',
  )
  // 11 * $5 and 16 * $25 for each million.
  expect(await cents()).toBe('0.0455')
})

test('a script decides every count, and the whole of it is billed', async () => {
  const { client, cents } = await house()
  const script = {
    text: 'hello',
    stop_reason: 'pause_turn' as const,
    usage: {
      input_tokens: 1,
      output_tokens: 2,
      cache_read_input_tokens: 4,
      ephemeral_5m_input_tokens: 8,
      ephemeral_1h_input_tokens: 16,
      web_search_requests: 1,
    },
  }
  const message = await client.messages.create(ask(scripted(script)))
  expect(message.stop_reason).toBe('pause_turn')
  expect(message.usage).toMatchObject({
    input_tokens: 1,
    output_tokens: 2,
    cache_read_input_tokens: 4,
    cache_creation_input_tokens: 24,
    cache_creation: { ephemeral_5m_input_tokens: 8, ephemeral_1h_input_tokens: 16 },
    server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 },
  })
  // In micro-dollars: 5 + 50 + 2 + 50 + 160 for tokens, 10,000 for the search.
  expect(await cents()).toBe('1.0267')
  const byMetadata = await client.messages.create({
    ...ask('anything'),
    metadata: { user_id: 'u', ...{ simulator_script: { text: 'from metadata' } } },
  })
  expect(byMetadata.content).toMatchObject([{ text: 'from metadata' }])
  expect(await failureOf(client.messages.create(ask(scripted({ text: 1 } as never))))).toMatchObject({
    status: 400,
  })
})

test('a stream adds up to the same message as the plain answer, block by block', async () => {
  const { client } = await house()
  const script = {
    thinking: 'let me think about this for a while',
    text: 'The answer, in more than one piece of text, with an emoji 🙂 in it.',
    web_searches: ['weather'],
    tool_use: [{ name: 'calculator', input: { sum: '1+1', nested: { deep: [1, 2, 3] } } }],
  }
  const params = {
    ...ask(scripted(script)),
    thinking: { type: 'adaptive' as const },
    tools: [calculator, search],
  }
  const plain = await client.beta.messages.create(params)
  const stream = client.beta.messages.stream(params)
  const types: string[] = []
  for await (const { type } of stream) types.push(type)
  const streamed = await stream.finalMessage()
  const withoutIds = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replace(/((?:srv)?toolu)_\w+/g, '$1'))
  expect(withoutIds(streamed.content)).toEqual(withoutIds(plain.content))
  expect(streamed.usage).toEqual(plain.usage)
  expect([plain.stop_reason, streamed.stop_reason]).toEqual(['tool_use', 'tool_use'])
  expect(plain.content.map(({ type }) => type)).toEqual([
    'thinking',
    'server_tool_use',
    'web_search_tool_result',
    'text',
    'tool_use',
  ])
  expect(plain.usage.output_tokens_details).toEqual({ thinking_tokens: 9 })
  expect(types[0]).toBe('message_start')
  expect(types.slice(-2)).toEqual(['message_delta', 'message_stop'])
  expect((await client.messages.stream(ask('hello')).finalText()).startsWith('Simulated')).toBe(true)
})

test('the raw frames name their events, ping once, and give the counts first small, then in full', async () => {
  const { simulator } = await house()
  for (const version of ['2023-06-01', '2026-10-21']) {
    const response = await fetch(`${simulator.url}/v1/messages`, {
      method: 'POST',
      headers: {
        'x-api-key': simulator.apiKey,
        'anthropic-version': version,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ ...ask('hello'), stream: true }),
    })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const frames = [...(await response.text()).matchAll(/^event: (.*)\ndata: (.*)\n\n/gm)]
    expect([...new Set(frames.map(([, name]) => name))]).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    for (const [, name, data = ''] of frames) expect(JSON.parse(data)).toMatchObject({ type: name })
    expect(frames[0]?.[2]).toContain('"output_tokens":1,')
    expect(frames.at(-2)?.[2]).toContain('"output_tokens":7,')
  }
})

test('a stream that is slow pings every fifteen seconds, and stops with the message', async () => {
  const { simulator, clock } = await house()
  const response = await fetch(`${simulator.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': simulator.apiKey, 'anthropic-version': '2026-10-21' },
    body: JSON.stringify({ ...ask(scripted({ delay_ms: 20_000 })), stream: true }),
  })
  // Without content there are three events: start at once, the delta after 20 s, the stop after 40 s.
  clock.advance(3_600_000)
  const names = [...(await response.text()).matchAll(/^event: (.*)$/gm)].map(([, name]) => name)
  expect(names).toEqual(['message_start', 'ping', 'message_delta', 'ping', 'message_stop'])
})

test('the prompt cache reads what was written, until the hour or the five minutes are over', async () => {
  const { client, clock } = await house()
  const block = (letter: string, ttl?: '5m' | '1h') => ({
    type: 'text' as const,
    text: letter.repeat(8000),
    ...(ttl ? { cache_control: { type: 'ephemeral' as const, ttl } } : {}),
  })
  const split = async (model = 'claude-opus-5') => {
    const system = [block('a', '1h'), block('b', '5m')]
    const { usage } = await client.messages.create({ ...ask('hi', model), system })
    return [
      usage.cache_read_input_tokens,
      usage.cache_creation?.ephemeral_1h_input_tokens,
      usage.cache_creation?.ephemeral_5m_input_tokens,
      usage.input_tokens,
    ]
  }
  expect(await split()).toEqual([0, 2000, 2000, 1])
  expect(await split()).toEqual([4000, 0, 0, 1])
  expect(await split('claude-sonnet-5')).toEqual([0, 2000, 2000, 1])
  clock.advance(5 * 60_000 - 1)
  expect(await split()).toEqual([4000, 0, 0, 1])
  clock.advance(5 * 60_000)
  expect(await split()).toEqual([2000, 0, 2000, 1])
  clock.advance(60 * 60_000)
  expect(await split()).toEqual([0, 2000, 2000, 1])
  const late = { ...ask('hi'), system: [block('a', '5m'), block('b', '1h')] }
  expect(await failureOf(client.messages.create(late))).toMatchObject({ status: 400 })
  const five = { ...ask('hi'), system: ['a', 'b', 'c', 'd', 'e'].map((letter) => block(letter, '5m')) }
  expect((await failureOf(client.messages.create(five)))?.message).toMatch(/maximum of 4 blocks/)
})

test('an answer stops at max_tokens, at a stop sequence, and where a script says', async () => {
  const { client } = await house()
  const short = await client.messages.create({ ...ask('a long question'), max_tokens: 3 })
  expect(short).toMatchObject({
    stop_reason: 'max_tokens',
    content: [{ text: 'Simulated an' }],
    usage: { output_tokens: 3 },
  })
  const stopped = await client.messages.create({ ...ask('one STOP two'), stop_sequences: ['two', 'STOP'] })
  expect(stopped).toMatchObject({
    stop_reason: 'stop_sequence',
    stop_sequence: 'STOP',
    content: [{ text: 'Simulated answer to: one ' }],
  })
  const refused = await client.beta.messages.create(ask(scripted({ stop_reason: 'refusal' })))
  expect(refused).toMatchObject({ content: [], stop_reason: 'refusal', stop_details: { type: 'refusal' } })
  expectInterface(refused.stop_details, 'messages/messages', 'BetaRefusalStopDetails')
  const warmed = await client.messages.create({ ...ask('warm the cache'), max_tokens: 0 })
  expect(warmed).toMatchObject({ content: [], stop_reason: 'max_tokens', usage: { output_tokens: 0 } })
})

test('a script fails a request at once or a stream in the middle, and a failed message costs nothing', async () => {
  const { client, cents } = await house()
  const limited = scripted({ error: { status: 429, message: 'slow down' } })
  expect(await failureOf(client.messages.create(ask(limited)))).toMatchObject({ status: 429 })
  const broken = scripted({ text: 'never said in full', error: { after_events: 4 } })
  const types: string[] = []
  const stream = await client.messages.create({ ...ask(broken), stream: true })
  const failure = await failureOf(
    (async () => {
      for await (const { type } of stream) types.push(type)
    })(),
  )
  expect(failure?.message).toContain('overloaded_error')
  expect(types).toEqual(['message_start', 'content_block_start', 'content_block_delta'])
  expect(await cents()).toBe('0')
})

test('a client that leaves a slow stream pays for what was said until then', async () => {
  const { simulator, client, clock, cents } = await house()
  const slow = scripted({ text: 'x'.repeat(960), delay_ms: 1000, usage: { input_tokens: 0 } })
  const stream = await client.messages.create({ ...ask(slow), stream: true })
  for (let second = 0; second < 20; second += 1) clock.advance(1000)
  stream.controller.abort()
  // 960 characters go out in 40 pieces of 24; with start, ping and stop they are 43 frames of 240 tokens in all.
  const charged = await until(cents, (amount) => amount !== '0')
  expect(Number(charged)).toBeCloseTo((Math.floor((240 * 20) / 43) * 25) / 10_000, 10)
  clock.advance(3_600_000)
  expect(await cents()).toBe(charged)
  expect(clock.pending()).toBeLessThan(5)
  expect(simulator.requests().at(0)?.path).toBe('/v1/messages')
})

test('a tool is called when the choice demands it or the text names it, and its result must come back', async () => {
  const { client } = await house()
  const tools = [calculator]
  const named = await client.messages.create({ ...ask('use the calculator'), tools })
  expect(named).toMatchObject({
    stop_reason: 'tool_use',
    content: [{ type: 'tool_use', name: 'calculator', input: { sum: 'simulated' } }],
  })
  const forced = await client.messages.create({ ...ask('hi'), tools, tool_choice: { type: 'any' } })
  expect(forced.stop_reason).toBe('tool_use')
  const never = await client.messages.create({ ...ask('calculator'), tools, tool_choice: { type: 'none' } })
  expect(never.stop_reason).toBe('end_turn')
  const turns = [
    ...ask('use the calculator').messages,
    { role: 'assistant' as const, content: named.content },
  ]
  const forgotten = { ...ask(''), tools, messages: [...turns, { role: 'user' as const, content: 'so?' }] }
  expect((await failureOf(client.messages.create(forgotten)))?.message).toContain(
    'without `tool_result` blocks',
  )

  const sums: unknown[] = []
  const tool = betaTool({
    name: 'calculator',
    description: 'adds',
    inputSchema: { type: 'object', properties: { sum: { type: 'string' } }, required: ['sum'] },
    run: (input) => {
      sums.push(input)
      return '2'
    },
  })
  const final = await client.beta.messages.toolRunner({ ...ask('use the calculator'), tools: [tool] })
  expect(sums).toEqual([{ sum: 'simulated' }])
  expect(final.content).toMatchObject([{ type: 'text' }])
  const found = await client.messages.create({ ...ask('do a web_search please'), tools: [search] })
  expect(found.usage.server_tool_use).toEqual({ web_search_requests: 1, web_fetch_requests: 0 })
})

test('structured output is parsed by the SDK', async () => {
  const { client } = await house()
  const format = {
    type: 'json_schema' as const,
    schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    parse: (text: string): unknown => JSON.parse(text),
  }
  const params = { ...ask(scripted({ text: '{"city":"Oslo"}' })), output_config: { format } }
  expect((await client.messages.parse(params)).parsed_output).toEqual({ city: 'Oslo' })
  expect((await client.beta.messages.parse(params)).parsed_output).toEqual({ city: 'Oslo' })
})

test('a thread is held by the server, goes on once, and is unknown under another id', async () => {
  const { client } = await house()
  const thread = client.beta.messages.thread({ model: 'claude-opus-5', max_tokens: 100, system: 'be kind' })
  const first = await thread.send({ role: 'user', content: 'a'.repeat(40) })
  const second = await thread.send({ role: 'user', content: 'b'.repeat(40) })
  // The first prompt and its answer are in the second prompt, though the client did not send them again.
  expect(first.usage.input_tokens).toBe(12)
  expect(second.usage.input_tokens).toBe(12 + first.usage.output_tokens + 10)
  const again = (id: string) =>
    failureOf(
      client.beta.messages.create({
        ...ask('c'),
        thread: { type: 'continue', previous_message_id: id },
        betas: ['message-threads-2026-08-12'],
      }),
    )
  expect(await again(first.id)).toMatchObject({ status: 400 })
  expect(await again('msg_nobody')).toMatchObject({ status: 404 })
})

test('what the model cannot do is refused with the field that asks for it', async () => {
  const { client } = await house()
  const refused = async (extra: object, model = 'claude-opus-5') => {
    const failure = await failureOf(
      client.messages.create({ ...ask('hi', model), ...extra }, { timeout: 10_000 }),
    )
    return `${failure?.status} ${failure?.message}`
  }
  const assistant = { role: 'assistant' as const, content: 'I' }
  const user = { role: 'user' as const, content: 'hi' }
  expect(await refused({}, 'claude-nobody')).toMatch(/^404 .*model: claude-nobody/)
  expect(await refused({}, 'claude-3-7-sonnet-20250219')).toMatch(/^404/)
  expect(await refused({ max_tokens: 200_000 })).toMatch(/^400 .*max_tokens: 200000 > 128000/)
  expect(await refused({ max_tokens: -1 })).toMatch(/^400 .*max_tokens/)
  expect(await refused({ messages: [] })).toMatch(/^400 .*messages/)
  expect(await refused({ messages: [assistant] })).toMatch(/^400 .*user/)
  expect(await refused({ messages: [user, assistant] })).toMatch(/^400 .*prefill/)
  expect(await refused({ thinking: { type: 'enabled', budget_tokens: 2000 } })).toMatch(/^400 .*thinking/)
  const thinking = { type: 'enabled', budget_tokens: 2000 }
  expect(await refused({ thinking }, 'claude-haiku-4-5')).toMatch(/^400 .*max_tokens/)
  expect(await refused({ speed: 'fast' }, 'claude-opus-4-7')).toMatch(/^400 .*speed/)
  expect(await refused({ inference_geo: 'us' }, 'claude-haiku-4-5')).toMatch(/^400 .*inference_geo/)
  expect(await refused({ tool_choice: { type: 'any' } })).toMatch(/^400 .*tool_choice/)
  const long = { role: 'user' as const, content: 'x'.repeat(900_000) }
  expect(await refused({ messages: [long] }, 'claude-haiku-4-5')).toMatch(/^400 .*prompt is too long: 225000/)
})

test('place, speed and tier of a message are told and priced', async () => {
  const { client, cents } = await house()
  const message = await client.messages.create({
    ...ask(scripted({ usage: { input_tokens: 1000, output_tokens: 0 } })),
    speed: 'fast',
    inference_geo: 'us',
  })
  expect(message.usage).toMatchObject({ speed: 'fast', inference_geo: 'us', service_tier: 'standard' })
  // 1,000 * $5 a million, twice for speed, a tenth more for the place.
  expect(await cents()).toBe('1.1')
})
