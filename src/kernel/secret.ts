// A value that must not be printed: logs, JSON, inspection and string conversion all show a placeholder.
import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/** Holds one secret. `reveal()` is the only way to the value, so a search for it finds every use. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

/** Compares in time that depends on neither content nor length: both sides are hashed first. */
export function equalSecrets(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest()
  const right = createHash('sha256').update(b).digest()
  return timingSafeEqual(left, right)
}
