// One request as a rule examines it, with a world of its own: agents, sessions and environments as a test says them.

import { applyEdits, findSpan } from '../../src/pin/edits.ts'
import { parsePins } from '../../src/pin/pins-file.ts'
import type { AgentVersion, Examined, Finding, PinFacts, PinRule } from '../../src/pin/rule.ts'
import { operations } from '../../src/upstream/operations.ts'
import { callerOf } from './caller-of.ts'

type JsonObject = { readonly [key: string]: unknown }

/** What the upstream holds: agents by `id@version`, the last of an id is its latest. */
export type World = {
  readonly agents?: { readonly [name: string]: JsonObject }
  readonly sessions?: { readonly [id: string]: JsonObject }
  readonly deployments?: { readonly [id: string]: JsonObject }
  readonly environments?: { readonly [id: string]: JsonObject }
  readonly skills?: { readonly [id: string]: string }
  readonly owners?: { readonly [id: string]: string }
  /** The text of pins.yaml. */
  readonly pins?: string
}

export type Looked = {
  readonly findings: readonly Finding[]
  /** The body after every edit; null when one finding has none. */
  readonly forced: unknown
}

/** Lets the rule look at a body, as team `web`. */
export async function look(
  rule: PinRule,
  operationId: string,
  body: JsonObject | string,
  { world = {}, allow = [], params = {} }: LookOptions = {},
): Promise<Looked> {
  if (!rule.operations.has(operationId)) throw new Error(`the rule does not look at ${operationId}`)
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const request = examined(operationId, text, world, params)
  const findings = await rule.examine(request, { mode: 'require', allow })
  const edits = findings.flatMap((finding) => finding.edits ?? [])
  const cannot = findings.some((finding) => finding.edits === null)
  return { findings, forced: cannot ? null : JSON.parse(applyEdits(text, edits)) }
}

export type LookOptions = {
  readonly world?: World
  readonly allow?: readonly string[]
  readonly params?: { readonly [name: string]: string }
}

function examined(id: string, text: string, world: World, params: LookOptions['params'] = {}): Examined {
  const operation = operations.find((candidate) => candidate.id === id)
  if (operation === undefined) throw new Error(`no operation ${id}`)
  return {
    operation,
    caller: callerOf({ id: 'ci', team: 'web', roles: [] }),
    params,
    parsed: JSON.parse(text),
    written: (path) => {
      const span = findSpan(text, path)
      return span === null ? null : text.slice(span.start, span.end)
    },
    pins: parsePins(world.pins ?? '', 'policies/pins.yaml'),
    nowMs: Date.parse('2026-11-23T12:00:00Z'),
    facts: factsOf(world),
    isHeld: () => false,
  }
}

function factsOf(world: World): PinFacts {
  const find = async (
    among: { readonly [id: string]: JsonObject } | undefined,
    id: string,
  ): Promise<JsonObject | null> => among?.[id] ?? null
  return {
    agentVersion: async (id, version) => findAgent(world, id, version),
    latestSkillVersion: async (id) => world.skills?.[id] ?? null,
    environment: (id) => find(world.environments, id),
    deployment: (id) => find(world.deployments, id),
    session: (id) => find(world.sessions, id),
    ownerTeam: async (_kind, id) => world.owners?.[id] ?? null,
  }
}

function findAgent({ agents = {} }: World, id: string, version: number | null): AgentVersion | null {
  const names = Object.keys(agents).filter((name) => name.startsWith(`${id}@`))
  const name = version === null ? names.at(-1) : `${id}@${version}`
  const config = name === undefined ? undefined : agents[name]
  if (name === undefined || config === undefined) return null
  return { id, version: Number(name.split('@')[1]), config }
}
