// An SDK client under watch: every method that is called through it is noted, and everything it answers (each object,
// each item of each page, each streamed event) is held against what the SDK's declarations say.
import { answersOf } from './answers.ts'
import { examine, type Sights } from './examine.ts'

/** What has been seen so far; clients may share one. */
export type Watch = Sights & {
  /** `beta.sessions.events.list`, each once. */
  readonly called: Set<string>
  /** The same client; what goes through it is watched. */
  readonly over: <T extends object>(client: T) => T
  /** Resolves when everything answered so far has been looked at. */
  readonly settled: () => Promise<void>
}

export function createWatch(): Watch {
  const pending: Promise<void>[] = []
  const watch: Watch = {
    called: new Set(),
    pages: new Map(),
    streamed: new Map(),
    misfits: [],
    over: (client) => overResource(client, []),
    settled: async () => void (await Promise.all(pending)),
  }

  const overResource = <T extends object>(resource: T, path: readonly string[]): T =>
    new Proxy(resource, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof key !== 'string') return value
        if (isResource(value)) return overResource(value, [...path, key])
        if (typeof value !== 'function' || path.length === 0) return value
        return (...given: unknown[]) => {
          const answer: unknown = Reflect.apply(value, target, given)
          pending.push(look(path, key, answer))
          return answer
        }
      },
    })

  // An answer that is there at once is looked at at once; one that is promised, before the caller gets it.
  const look = async (path: readonly string[], method: string, answer: unknown): Promise<void> => {
    const name = [...path, method].join('.')
    watch.called.add(name)
    const answers = answersOf(path, method)
    const betaAnswers = hasBetaTwin(path) ? answersOf(['beta', ...path], method) : []
    if (answers.every(({ kind }) => kind === 'helper')) return
    try {
      const value: unknown = answer instanceof Promise ? await answer : answer
      examine(watch, { name, answers, betaAnswers }, value)
    } catch (error) {
      watch.misfits.push(`${name}: ${error}`)
    }
  }
  return watch
}

const hasBetaTwin = ([first]: readonly string[]): boolean => first !== 'beta'

/** Whether a property of the client is a family of methods. */
export const isResource = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && '_client' in value
