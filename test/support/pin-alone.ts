// The pins by themselves, in front of a world of the test's own: agents, sessions and deployments as it says them.
import { createPin, type Pin, type PinRequest } from '../../src/pin/pin.ts'
import type { PinOutcome } from '../../src/pin/pin-outcome.ts'
import { parsePins } from '../../src/pin/pins-file.ts'
import type { PinFacts } from '../../src/pin/rule.ts'
import { allRules } from '../../src/pin/rules/all-rules.ts'
import { readJsonBody } from '../../src/upstream/body.ts'
import { operations } from '../../src/upstream/operations.ts'
import { callerOf } from './caller-of.ts'

type JsonObject = { readonly [key: string]: unknown }

export type PinWorld = {
  /** By `id@version`; the last of an id is its latest. */
  readonly agents?: { readonly [name: string]: JsonObject }
  readonly sessions?: { readonly [id: string]: JsonObject }
  readonly deployments?: { readonly [id: string]: JsonObject }
  readonly environments?: { readonly [id: string]: JsonObject }
  readonly skills?: { readonly [id: string]: string }
  readonly nowMs?: number
  readonly isHeld?: (agentId: string) => boolean
  /** Nothing can be asked. */
  readonly isAway?: boolean
}

export type Asked = {
  readonly id?: string
  readonly team?: string
  readonly params?: { readonly [name: string]: string }
}

export type PinAlone = {
  readonly decide: (text: string, asked?: Asked) => Promise<PinOutcome>
  /** What was asked of the upstream, in order. */
  readonly reads: readonly string[]
  /** As it answers, a promise or not. */
  readonly pin: Pin
}

/** Opens the pins of a file's text. */
export function openPins(text: string, world: PinWorld = {}): PinAlone {
  const reads: string[] = []
  const pins = parsePins(text, 'policies/pins.yaml')
  const pin = createPin({
    pins: () => pins,
    rules: allRules,
    nowMs: () => world.nowMs ?? Date.parse('2026-11-23T12:00:00Z'),
    factsOf: () => factsOf(world, reads),
    isHeld: world.isHeld ?? (() => false),
  })
  return { reads, pin, decide: async (body, asked = {}) => pin(pinRequest(body, asked)) }
}

/** A request as the corridor hands it over; '' is no body. */
export function pinRequest(
  text: string,
  { id = 'sessions.create', team = 'web', params = {} }: Asked = {},
): PinRequest {
  const operation = operations.find((candidate) => candidate.id === id)
  if (operation === undefined) throw new Error(`no operation ${id}`)
  const body = text === '' ? null : Buffer.from(text)
  const parsed = body === null ? undefined : readJsonBody(body, { 'content-type': 'application/json' })
  return { operation, caller: callerOf({ id: 'ci', team, roles: [] }), params, body, parsed }
}

function factsOf(world: PinWorld, reads: string[]): PinFacts {
  const answer = async <Value>(name: string, value: Value | undefined): Promise<Value | null> => {
    reads.push(name)
    if (world.isAway === true) throw new Error('the upstream is away')
    return value ?? null
  }
  return {
    agentVersion: async (id, version) => {
      const names = Object.keys(world.agents ?? {}).filter((name) => name.startsWith(`${id}@`))
      const name = version === null ? names.at(-1) : `${id}@${version}`
      const config = name === undefined ? undefined : world.agents?.[name]
      const found = Number(name?.split('@')[1])
      const whole = { id, version: found, ...config }
      return answer(`agent ${id}@${version}`, config && { id, version: found, config: whole })
    },
    session: (id) => answer(`session ${id}`, world.sessions?.[id]),
    deployment: (id) => answer(`deployment ${id}`, world.deployments?.[id]),
    environment: (id) => answer(`environment ${id}`, world.environments?.[id]),
    latestSkillVersion: (id) => answer(`skill ${id}`, world.skills?.[id]),
    ownerTeam: async () => null,
  }
}
