// What a request hands out, collected once each in the order found, and the names in it made fit for a rule.
import type { Capability } from '../permit.ts'
import { UnreadableField } from './fields.ts'

export type Gathering = {
  /** Adds one pair; a pair already there is not added again. Throws UnreadableField beyond `capabilitiesMax`. */
  readonly add: (action: string, kind: string, name: string) => void
  /** Everything added, in order. */
  readonly all: () => readonly Capability[]
}

/** Far more than a request of the API may hold, and few enough to be judged one by one. */
export const capabilitiesMax = 1_000

/** Up to here a look at each is faster than hashing; nearly every request stays below. */
const lookedThroughMax = 32

/** An empty gathering. */
export function createGathering(): Gathering {
  const found: Capability[] = []
  let known: Set<string> | null = null
  const has = (action: string, object: string): boolean => {
    if (found.length <= lookedThroughMax) {
      return found.some((each) => each.action === action && each.object === object)
    }
    known ??= new Set(found.map((each) => `${each.action} ${each.object}`))
    return known.has(`${action} ${object}`)
  }
  return {
    add: (action, kind, name) => {
      const object = `${kind}/${name}`
      if (has(action, object)) return
      if (found.length === capabilitiesMax) {
        throw new UnreadableField('body', `names more than ${capabilitiesMax} things at once; send less`)
      }
      found.push({ action, object })
      known?.add(`${action} ${object}`)
    },
    all: () => found,
  }
}

/**
 * A kind of thing this version does not know, as the capability `unknown.use <where>:<value>`: policy decides whether
 * what nobody here can read may pass.
 */
export function addUnknown(to: Gathering, where: string, value: string): void {
  to.add('unknown.use', 'unknown', `${where}:${asName(value)}`)
}

const plainName = /^[A-Za-z0-9._-]*$/
const plainText = /^[A-Za-z0-9._~:/?&=@+-]*$/

/**
 * A name as a part of an object: what policy text cannot hold or gives a meaning (`*`, `,`, `!`, `:`, `@`, `/`, spaces) is
 * percent-encoded, so that no name can pass for another one, or for `*`.
 */
export function asName(name: string): string {
  return plainName.test(name) ? name : name.replaceAll(/[^A-Za-z0-9._-]/gu, percentEncode)
}

/** The same for the last part of an object, where `:`, `/`, `@` and the like divide nothing. */
export function asText(text: string): string {
  return plainText.test(text) ? text : text.replaceAll(/[^A-Za-z0-9._~:/?&=@+-]/gu, percentEncode)
}

/** One character as the `%XX` of its UTF-8 bytes. */
export function percentEncode(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}
