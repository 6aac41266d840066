// One way in which a version stays unpinned or a pin is hollow, as a request that an SDK sends.
import type Anthropic from '@anthropic-ai/sdk'
import type { Simulator } from '../../../src/simulator/simulator.ts'

/** What was made at the upstream before the request, by its name in the case. */
export type Made = { readonly [name: string]: string }

export type Way = {
  /** Its number in `docs/versions.md`. */
  readonly way: number
  readonly requirement: string
  readonly about: string
  /** What `allow` says of the requirement. */
  readonly allow?: readonly string[]
  /** More of pins.yaml. */
  readonly pins?: (made: Made) => string
  /** Made at the upstream itself, past the gateway. */
  readonly prepare: (client: Anthropic, simulator: Simulator) => Promise<Made>
  readonly send: (client: Anthropic, made: Made) => Promise<unknown>
  /** The path of the request. */
  readonly path: (made: Made) => string
  /** What goes up when it is forced, from what was sent; null when no rewriting can meet it. */
  readonly forced: ((sent: string, made: Made) => string) | null
}

export const model = 'claude-sonnet-5-5'
export const message = {
  type: 'user.message' as const,
  content: [{ type: 'text' as const, text: 'go' }],
}
export const off = { type: 'disabled' as const }

/** Exactly one occurrence of this text, replaced. */
export function swap(sent: string, before: string, after: string): string {
  const parts = sent.split(before)
  if (parts.length !== 2) throw new Error(`\`${before}\` is ${parts.length - 1} times in ${sent}`)
  return parts.join(after)
}

/** An agent and an environment to run it in. */
export async function prepareRun(
  client: Anthropic,
  agent: Partial<Anthropic.Beta.Agents.AgentCreateParams> = {},
): Promise<{ readonly agent: string; readonly environment: string }> {
  const made = await client.beta.agents.create({ name: 'a', model, ...agent })
  const environment = await client.beta.environments.create({ name: 'e' })
  return { agent: made.id, environment: environment.id }
}

/** The name that a case gave to an id. */
export function of(made: Made, name: string): string {
  const id = made[name]
  if (id === undefined) throw new Error(`nothing was made as \`${name}\``)
  return id
}
