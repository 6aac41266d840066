// A simulator with an agent and an environment in it, and the SDK client that talks to it.
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { onTestFinished } from 'vitest'
import { createManualClock, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'

type CreateParams = Parameters<Anthropic['beta']['sessions']['create']>[0]

/** Opens one that closes itself with the test; its clock stands still until it is moved. */
export async function openSessionHouse(options: SimulatorOptions = {}) {
  const clock = createManualClock()
  const simulator = await startSimulator({ clock, ...options })
  onTestFinished(simulator.close)
  const client = new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey, maxRetries: 0 })
  const environment = await client.beta.environments.create({ name: 'test' })
  const agent = await client.beta.agents.create({
    name: 'helper',
    model: 'claude-sonnet-5-5',
    system: 'be kind',
    tools: [{ type: 'agent_toolset_20260401' }],
  })
  const create = (params: Partial<CreateParams> = {}) =>
    client.beta.sessions.create({ agent: agent.id, environment_id: environment.id, ...params })
  const send = (
    sessionId: string,
    ...events: Parameters<typeof client.beta.sessions.events.send>[1]['events']
  ) => client.beta.sessions.events.send(sessionId, { events })
  return { simulator, clock, client, sessions: client.beta.sessions, environment, agent, create, send }
}

/** A user message of one text. */
export const say = (text: string) => ({
  type: 'user.message' as const,
  content: [{ type: 'text' as const, text }],
})

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** `400 budget_create_only: message`: how the upstream refused; an empty text when it did not. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof APIError)) return ''
  return `${error.status} ${error.errorCode ?? '-'}: ${error.apiMessage ?? error.message}`
}
