// Where the walks through every method take place: watched clients, the clock, and what is needed before anything else.
import type Anthropic from '@anthropic-ai/sdk'
import type { ManualClock, Simulator } from '../../../src/simulator/simulator.ts'
import type { Watch } from '../sdk/watched-client.ts'

export type Stage = {
  /** With an ordinary key; watched. */
  readonly client: Anthropic
  /** With the key of the self-hosted environment `env_seat`; watched. */
  readonly worker: Anthropic
  readonly clock: ManualClock
  readonly simulator: Simulator
  readonly watch: Watch
}

export const seatId = 'env_seat'
export const seatKey = 'key-of-the-seat'

/** Starts an agent and a cloud environment. */
export async function startAgent({ client }: Stage) {
  const environment = await client.beta.environments.create({ name: 'cloud' })
  const agent = await client.beta.agents.create({
    name: 'helper',
    model: 'claude-sonnet-5-5',
    tools: [{ type: 'agent_toolset_20260401' }],
  })
  return { agent, environment }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Three of the same, one after the other. */
export async function three<T>(make: (name: string) => PromiseLike<T>): Promise<readonly [T, T, T]> {
  return [await make('first'), await make('second'), await make('third')]
}

export const say = (text: string) => ({
  type: 'user.message' as const,
  content: [{ type: 'text' as const, text }],
})
