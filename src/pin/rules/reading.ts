// Reading the parts of a body that a rule looks at. What is not exactly readable is a finding that nothing can force:
// guessing would mean judging something else than what runs.
import { lookalikeOf } from '../../upstream/lookalike.ts'
import { isObject, type JsonObject, shorten } from '../json-values.ts'
import type { Requirement, RequirementName } from '../pins.ts'
import type { Examined, Finding, JsonPath, PinRule } from '../rule.ts'

/** A value that no rule may guess at. Caught by `readably`, which makes a finding of it. */
export class UnreadableValue extends Error {
  readonly path: JsonPath

  constructor(path: JsonPath, why: string) {
    super(`\`${pathText(path)}\` ${why}`)
    this.name = 'UnreadableValue'
    this.path = path
  }
}

/** `tools.0.type`; `body` for the body itself. */
export const pathText = (path: JsonPath): string =>
  path.length === 0 ? 'body' : shorten(path.join('.'), 128)

/** Ends the reading of a value. */
export function unreadable(path: JsonPath, why = 'is not readable; see the API reference'): never {
  throw new UnreadableValue(path, why)
}

/** Null and absence are the same to the upstream wherever this is asked. */
export const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

/** The value as an object whose keys are either exactly these names or nothing like them. */
export function fieldsAt(value: unknown, path: JsonPath, names: ReadonlySet<string>): JsonObject {
  if (!isObject(value)) return unreadable(path)
  const lookalike = lookalikeOf(value, names)
  if (lookalike !== null)
    return unreadable(path, `has the key \`${shorten(lookalike)}\`, too close to a known one`)
  return value
}

/** The value as a list; nothing is an empty one. */
export function listAt(value: unknown, path: JsonPath): readonly unknown[] {
  if (isAbsent(value)) return []
  return Array.isArray(value) ? value : unreadable(path)
}

/** A word that decides something (a type, an id, a model): visible ASCII, so that nobody trims or folds it. */
export function wordAt(value: unknown, path: JsonPath): string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value) ? value : unreadable(path)
}

/** The rule's look at a request, with whatever it could not read as its finding. */
export function readably(requirement: RequirementName, examine: PinRule['examine']): PinRule['examine'] {
  const recover = (error: unknown): readonly Finding[] => {
    if (!(error instanceof UnreadableValue)) throw error
    const { path, message } = error
    const asked = { requirement, path, requested: 'unreadable', resolved: '', sentence: message, edits: null }
    return [{ ...asked, isUnreadable: true }]
  }
  return (request: Examined, wanted: Requirement) => {
    try {
      const found = examine(request, wanted)
      return found instanceof Promise ? found.catch(recover) : found
    } catch (error) {
      return recover(error)
    }
  }
}
