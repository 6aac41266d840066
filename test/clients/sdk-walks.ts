// The programs that every version of the SDK runs in both worlds, apart from the long walk through managed agents.
import type Anthropic from '@anthropic-ai/sdk'
import { until } from '../support/until.ts'
import { collect, refusalOf } from './managed-agents-walk.ts'
import type { World } from './worlds.ts'

/** A prompt that carries a script of the simulator's. */
export const ask = (script: object = {}) => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: `simulator: ${JSON.stringify(script)}` }],
})

const rich = {
  thinking: 'let me see',
  text: 'Grüße — 你好 👋, and a little more so that it takes several pieces',
  tool_use: [{ name: 'calculator', input: { sum: '1+1', nested: { deep: [1, 2.5, null] } } }],
  usage: { input_tokens: 12, cache_read_input_tokens: 3400 },
}
const calculator = { name: 'calculator', input_schema: { type: 'object' as const } }
const prompt = {
  ...ask(rich),
  model: 'claude-haiku-4-5',
  tools: [calculator],
  thinking: { type: 'enabled' as const, budget_tokens: 1024 },
  max_tokens: 4000,
}

/** The Messages API: an answer at once, event by event, put together by the SDK, and broken in the middle. */
export async function walkMessages(client: Anthropic) {
  const brokenEvents: unknown[] = []
  const broken = await client.messages.create({
    ...ask({ text: 'hello', error: { after_events: 3 } }),
    stream: true,
  })
  const failure = await (async () => {
    for await (const event of broken) brokenEvents.push(event)
  })().catch(refusalOf)
  const { messages, model } = ask()
  return {
    counted: await client.messages.countTokens({ model, messages }),
    whole: await client.messages.create(prompt),
    events: await collect(await client.messages.create({ ...prompt, stream: true })),
    betaEvents: await collect(await client.beta.messages.create({ ...prompt, stream: true })),
    assembled: await client.messages.stream(prompt).finalMessage(),
    broken: { events: brokenEvents, failure },
    refused: await client.messages.create({ ...ask(), max_tokens: -1 }).catch(refusalOf),
  }
}

/** Lists longer than a page, in the cursor style and in the id style, walked by items and by pages. */
export async function walkPages(client: Anthropic) {
  for (const name of ['one', 'two', 'three', 'four', 'five']) {
    await client.beta.agents.create({ name, model: 'claude-sonnet-5-5' })
  }
  const first = await client.beta.agents.list({ limit: 2 })
  const pages = await collect((await client.beta.agents.list({ limit: 3 })).iterPages())
  return {
    agents: (await collect(client.beta.agents.list({ limit: 2 }))).map(({ name }) => name),
    pages: pages.map(({ data }) => data.length),
    hasNext: [first.hasNextPage(), (await first.getNextPage()).hasNextPage()],
    models: await collect(client.models.list({ limit: 2 })),
  }
}

/** A stream left by its reader, one aborted from outside, and a call aborted while it waits. */
export async function walkAborts(client: Anthropic, { simulator }: World) {
  const { agents, environments, sessions } = client.beta
  const environment_id = (await environments.create({ name: 'aborts' })).id
  const agent = (await agents.create({ name: 'aborts', model: 'claude-sonnet-5-5' })).id
  const { id } = await sessions.create({ agent, environment_id })
  const stream = await sessions.events.stream(id)
  const reading = collect(stream)
  const opened = simulator.openStreams()
  stream.controller.abort()
  const seenOfAborted = await reading
  await until(simulator.openStreams, (open) => open === 0)

  const messageEvents: unknown[] = []
  for await (const event of await client.messages.create({
    ...ask({ text: 'x', delay_ms: 1000 }),
    stream: true,
  })) {
    messageEvents.push(event)
    break
  }
  // The upstream bills a message when it ends or when its reader leaves: here only leaving can have done it.
  await until(
    () => simulator.messageBill().lines,
    (lines) => lines.length > 0,
  )

  simulator.faults.add({ method: 'GET', path: '/v1/agents/*', head_delay_ms: 1000 })
  const before = simulator.requests().length
  const aborting = new AbortController()
  const call = agents.retrieve(agent, {}, { signal: aborting.signal }).catch(refusalOf)
  await until(
    () => simulator.requests().length,
    (count) => count > before,
  )
  aborting.abort()
  return {
    opened,
    seenOfAborted,
    messageEvents,
    billed: simulator.messageBill(),
    aborted: await call,
    afterwards: (await sessions.retrieve(id)).status,
  }
}

/** An upstream that fails once: with and without a second try, on a plain call and on a stream. */
export async function walkRetries(patient: Anthropic, impatient: Anthropic, { simulator }: World) {
  const { faults } = simulator
  const create = (client: Anthropic) =>
    client.beta.agents.create({ name: 'retried', model: 'claude-sonnet-5-5' })
  const overloaded = { method: 'POST', path: '/v1/agents', status: 529, retry_after_ms: 1 }
  faults.add(overloaded)
  const second = await create(patient)
  faults.add({ ...overloaded, times: 2 })
  const third = await create(patient)
  faults.add(overloaded)
  const onlyTry = await create(impatient).catch(refusalOf)
  faults.add({ ...overloaded, should_retry: false })
  const toldNotTo = await create(patient).catch(refusalOf)
  faults.add({ ...overloaded, times: 3 })
  const gaveUp = await create(patient).catch(refusalOf)
  faults.add({ method: 'POST', path: '/v1/messages', status: 429, retry_after_ms: 1 })
  const streamed = await collect(await patient.messages.create({ ...ask({ text: 'hi' }), stream: true }))
  faults.add({ method: 'POST', path: '/v1/agents', drop: 'before' })
  const dropped = await create(patient)
  return { second, third, onlyTry, toldNotTo, gaveUp, streamed, dropped }
}
