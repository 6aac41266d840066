// Every method of messages and batches, of both clients, with the helpers that the SDK builds on them.
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { expectInterface } from '../sdk-interfaces.ts'
import { collect, type Stage, three } from './stage.ts'

const model = 'claude-opus-5'
const ask = (content: string) => ({
  model,
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content }],
})

const calculator = {
  name: 'calculator',
  description: 'adds',
  input_schema: { type: 'object' as const, properties: { sum: { type: 'string' } }, required: ['sum'] },
}
const everything = {
  ...ask(
    `simulator: ${JSON.stringify({
      thinking: 'let me think',
      text: 'The answer.',
      web_searches: ['weather'],
      tool_use: [{ name: 'calculator', input: { sum: '1+1' } }],
    })}`,
  ),
  thinking: { type: 'adaptive' as const },
  tools: [calculator, { type: 'web_search_20250305' as const, name: 'web_search' as const }],
}
const city = {
  ...ask('simulator: {"text":"{\\"city\\":\\"Oslo\\"}"}'),
  output_config: {
    format: {
      type: 'json_schema' as const,
      schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      parse: (text: string): unknown => JSON.parse(text),
    },
  },
}

export async function walkMessages({ client: { messages } }: Stage): Promise<void> {
  await messages.create(ask('hello'))
  await messages.create(everything)
  await messages.create(ask('simulator: {"stop_reason":"refusal"}'))
  await collect(await messages.create({ ...everything, stream: true }))
  await messages.countTokens({ model, messages: ask('hello').messages })
  expectMessage(await messages.stream(ask('hello')).finalMessage())
  expectMessage(await messages.parse(city))
}

export async function walkBetaMessages({ client }: Stage): Promise<void> {
  const { messages } = client.beta
  await messages.create(ask('hello'))
  await messages.create(everything)
  await messages.create(ask('simulator: {"stop_reason":"refusal"}'))
  await collect(await messages.create({ ...everything, stream: true }))
  await messages.countTokens({ model, messages: ask('hello').messages })
  expectMessage(await messages.stream(ask('hello')).finalMessage())
  expectMessage(await messages.parse(city))
}

/** Fails unless it is a message, as the larger of the two clients' types has it; what parsing added is taken off. */
function expectMessage(message: { readonly content: readonly object[] }): void {
  const content = message.content.map(withoutParsed)
  expectInterface({ ...withoutParsed(message), content }, 'messages/messages', 'BetaMessage')
}

const withoutParsed = (made: object) =>
  Object.fromEntries(Object.entries(made).filter(([key]) => key !== 'parsed_output'))

/** Conversations that the SDK holds for its caller; beta only. */
export async function walkConversations({ client }: Stage): Promise<void> {
  const { messages } = client.beta
  const thread = messages.thread({ model, max_tokens: 100, system: 'be kind' })
  for (const content of ['hello', 'and again']) {
    expectMessage(await thread.send({ role: 'user', content }))
  }
  const tool = betaTool({
    name: 'calculator',
    description: 'adds',
    inputSchema: { type: 'object', properties: { sum: { type: 'string' } }, required: ['sum'] },
    run: () => '2',
  })
  const final = await messages.toolRunner({ ...ask('use the calculator'), tools: [tool] })
  expectMessage(final)
}

const requests = [
  { custom_id: 'good', params: ask('hi') },
  { custom_id: 'wrong', params: { ...ask('hi'), max_tokens: -1 } },
]

export async function walkBatches({ client, clock }: Stage): Promise<void> {
  for (const { batches } of [client.beta.messages, client.messages]) {
    const [first, second] = await three(() => batches.create({ requests }))
    await batches.cancel(second.id)
    clock.advance(3_600_000)
    await batches.retrieve(first.id)
    await collect(batches.list({ limit: 1 }))
    await batches.delete(first.id)
  }
}

/** Apart, because the SDK follows the address that the batch names, which is the upstream's own. */
export async function walkBatchResults({ client, clock }: Stage): Promise<void> {
  for (const { batches } of [client.beta.messages, client.messages]) {
    const [first, second] = await three(() => batches.create({ requests }))
    await batches.cancel(second.id)
    clock.advance(3_600_000)
    for (const { id } of [first, second]) {
      const results: AsyncIterable<unknown> = await batches.results(id)
      await collect(results)
    }
  }
}
