// The shape of a rule: a pure look at one request, which names every place that does not meet a requirement and how
// the text would have to change to meet it.
import type { Caller } from '../identify/caller.ts'
import type { Operation } from '../upstream/operation-type.ts'
import type { Pins, Requirement, RequirementName } from './pins.ts'

export type JsonPath = readonly (string | number)[]

/** A change of one JSON value in the body's text; `text` is JSON. `set` adds the member when it is not there. */
export type Edit =
  | { readonly kind: 'set'; readonly path: JsonPath; readonly text: string }
  | { readonly kind: 'remove'; readonly path: JsonPath }

/** One place where a request does not meet a requirement. */
export type Finding = {
  readonly requirement: RequirementName
  readonly path: JsonPath
  /** What was asked for, short and printable: `latest`, `branch main`. */
  readonly requested: string
  /** What would be sent when forced; '' when nothing can stand for it. */
  readonly resolved: string
  /** A sentence for the developer: what is wrong and exactly what to send instead. */
  readonly sentence: string
  /** The edits that meet the requirement; null when no rewriting can, and `force` then refuses as `require` does. */
  readonly edits: readonly Edit[] | null
  /** What the rule looks at cannot be read: refused as malformed (400), not as unmet (403). */
  readonly isUnreadable?: boolean
}

/** What a rule may ask of the world; every answer is cached, bounded, and of the caller's own upstream account. */
export type PinFacts = {
  /** An agent version as the upstream holds it, the latest for null; null when there is none. Rejects when it cannot be asked. */
  readonly agentVersion: (id: string, version: number | null) => Promise<AgentVersion | null>
  /** The newest version of a skill, as its reference wants it; null when there is none. */
  readonly latestSkillVersion: (skillId: string) => Promise<string | null>
  /** An environment as the upstream holds it now, never from a cache; null when there is none. */
  readonly environment: (id: string) => Promise<{ readonly [key: string]: unknown } | null>
  /** A deployment as the upstream answers it now; null when there is none. */
  readonly deployment: (id: string) => Promise<{ readonly [key: string]: unknown } | null>
  /** A session as the upstream answers it (its `agent` is the resolved snapshot); null when there is none. */
  readonly session: (id: string) => Promise<{ readonly [key: string]: unknown } | null>
  /** The team that made an object, from its stamp or the ledger; null when nobody knows. */
  readonly ownerTeam: (kind: string, id: string) => Promise<string | null>
}

export type AgentVersion = {
  readonly id: string
  readonly version: number
  /** The agent object of the upstream. */
  readonly config: { readonly [key: string]: unknown }
}

export type Examined = {
  readonly operation: Operation
  readonly caller: Caller
  /** Path parameters of the operation. */
  readonly params: { readonly [name: string]: string }
  /** The one reading of the body. */
  readonly parsed: { readonly [key: string]: unknown }
  /** The JSON value at a path as it stands in the body's text (`3.0` is not `3`); null when there is none. */
  readonly written: (path: JsonPath) => string | null
  readonly pins: Pins
  readonly nowMs: number
  readonly facts: PinFacts
  /** Whether a watch holds this agent's canary right now. */
  readonly isHeld: (agentId: string) => boolean
}

export type PinRule = {
  readonly requirement: RequirementName
  /** The numbers of the ways in `docs/versions.md` that it answers. */
  readonly ways: readonly number[]
  readonly operations: ReadonlySet<string>
  /** Every place that does not meet the requirement; none when all is well. A promise only where a fact was asked. */
  readonly examine: (
    request: Examined,
    requirement: Requirement,
  ) => readonly Finding[] | Promise<readonly Finding[]>
}
