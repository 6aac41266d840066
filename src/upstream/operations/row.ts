// One row of the operation table, said in one line. Pure shorthand: a row is what `operation-type.ts` says.
import type { Operation, ResourceKind } from '../operation-type.ts'

type Write = {
  /** The path parameter that names the object acted on. */
  readonly on?: string
  readonly body?: Operation['body']
  /** False for a POST that only asks (validate, count). */
  readonly mutates?: boolean
}

type RowMaker = {
  /** GET answered with JSON; the action is `resource.read`. */
  readonly read: (id: string, pattern: string, on?: string) => Operation
  /** GET answered with an event stream; the action is `resource.read`. */
  readonly tail: (id: string, pattern: string) => Operation
  /** GET answered with bytes that are not ours to parse; the action is `resource.download`. */
  readonly download: (id: string, pattern: string, on: string) => Operation
  /** POST; the body is JSON unless the row says otherwise. */
  readonly post: (id: string, pattern: string, verb: string, write?: Write) => Operation
  /** DELETE without a body; the action is `resource.delete`. */
  readonly remove: (id: string, pattern: string, on: string) => Operation
}

/** Makes rows of one resource, so that `action` and `resource` cannot disagree. */
export function rowsOf(resource: ResourceKind): RowMaker {
  const row = (
    fields: Omit<Operation, 'resource' | 'action' | 'objectParam'>,
    verb: string,
    on?: string,
  ) => ({
    ...fields,
    action: `${resource}.${verb}`,
    resource,
    ...(on === undefined ? {} : { objectParam: on }),
  })
  const get = { method: 'GET', mutates: false, body: 'none' } as const
  return {
    read: (id, pattern, on) => row({ id, pattern, ...get, answer: 'json' }, 'read', on),
    tail: (id, pattern) => row({ id, pattern, ...get, answer: 'sse' }, 'read'),
    download: (id, pattern, on) => row({ id, pattern, ...get, answer: 'binary' }, 'download', on),
    post: (id, pattern, verb, { on, body = 'json', mutates = true } = {}) =>
      row({ id, pattern, method: 'POST', mutates, body, answer: 'json' }, verb, on),
    remove: (id, pattern, on) =>
      row({ id, pattern, method: 'DELETE', mutates: true, body: 'none', answer: 'json' }, 'delete', on),
  }
}
