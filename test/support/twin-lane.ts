// How a program calls in a twin world: by the names of the gateway's table, with the headers an SDK sends.
import { z } from 'zod'
import type { FaultInput } from '../../src/simulator/simulator.ts'
import { operations } from '../../src/upstream/operations.ts'
import type { Recording } from './allowed-differences.ts'
import { ask, type OpenAnswer, type WireAnswer, type WireRequest } from './wire-client.ts'
import { type Header, headerOf } from './wire-reader.ts'

export type CallOptions = {
  /** With its `?`. */
  readonly query?: string
  /** An object goes as JSON; bytes go as they are, in one piece or as chunks. */
  readonly body?: object
  readonly bytes?: Buffer | readonly Buffer[]
  readonly type?: string
  readonly betas?: string
  readonly headers?: readonly Header[]
  /** What to call it in a difference; the operation's name otherwise. */
  readonly name?: string
}

export type Fault = Omit<FaultInput, 'method' | 'path' | 'skip' | 'times'>

/** Asks the simulator for a fault, in a header that passes like any other. */
export const faulty = (fault: Fault): CallOptions => ({
  headers: [['x-simulator-fault', JSON.stringify(fault)]],
})

export type Params = { readonly [name: string]: string }

export type Lane = {
  /** Calls an operation and waits for the end of its answer, whatever it is. */
  readonly ask: (operation: string, params?: Params, options?: CallOptions) => Promise<WireAnswer>
  /** The same for an answer that goes on while the program does. */
  readonly open: (operation: string, params?: Params, options?: CallOptions) => OpenAnswer
  /** The same for a call that must succeed; the answer's object with its id. */
  readonly call: (operation: string, params?: Params, options?: CallOptions) => Promise<Answered>
  /** Any request at all. */
  readonly send: (name: string, request: WireRequest) => OpenAnswer
  /** The operations asked for so far. */
  readonly walked: () => ReadonlySet<string>
  /** All answers, once they have ended, in the order of their requests. */
  readonly answers: () => Promise<Recording['answers']>
}

const answeredSchema = z.looseObject({ id: z.string().default('') }).catch({ id: '' })
export type Answered = z.output<typeof answeredSchema>

export const managedAgents = 'managed-agents-2026-04-01'

/** What SDK 1.12.0 sends on every call, in its order and case as fetch sends them. */
const sdkHeaders: readonly Header[] = [
  ['connection', 'keep-alive'],
  ['accept', 'application/json'],
  ['X-Stainless-Retry-Count', '0'],
  ['x-stainless-timeout', '600'],
  ['X-Stainless-Lang', 'js'],
  ['x-stainless-package-version', '1.12.0'],
  ['User-Agent', 'Anthropic/JS 1.12.0'],
  ['accept-language', '*'],
  ['sec-fetch-mode', 'cors'],
  ['Accept-Encoding', 'gzip, deflate'],
  ['anthropic-version', '2023-06-01'],
]

/** A lane at one address, with the key that is valid there. */
export function createLane({ url, key }: { readonly url: string; readonly key: string }): Lane {
  const asked: { readonly name: string; readonly answer: Promise<WireAnswer> }[] = []
  const walked = new Set<string>()
  const send = (name: string, request: WireRequest): OpenAnswer => {
    const opened = ask(url, { ...request, headers: [...request.headers, ['Authorization', `Bearer ${key}`]] })
    asked.push({ name, answer: opened.done })
    return opened
  }
  const open: Lane['open'] = (id, params = {}, options = {}) => {
    walked.add(id)
    return send(options.name ?? id, requestOf(id, params, options))
  }
  return {
    send,
    open,
    ask: (id, params, options) => open(id, params, options).done,
    call: async (id, params, options) => {
      const { message } = await open(id, params, options).done
      const text = message?.body().toString() ?? ''
      if (!message?.startLine.startsWith('HTTP/1.1 200 ')) {
        throw new Error(`${id} did not succeed: ${message?.startLine} ${text.slice(0, 500)}`)
      }
      const isJson = headerOf(message, 'content-type').startsWith('application/json')
      const parsed: unknown = isJson ? JSON.parse(text) : {}
      return answeredSchema.parse(parsed)
    },
    walked: () => walked,
    answers: () => Promise.all(asked.map(async ({ name, answer }) => ({ name, answer: await answer }))),
  }
}

function requestOf(id: string, params: Params, options: CallOptions): WireRequest {
  const operation = operations.find((each) => each.id === id)
  if (operation === undefined) throw new Error(`no operation ${id}`)
  const path = operation.pattern.replaceAll(/:([a-z_]+)/g, (_, name: string) => {
    const value = params[name]
    if (value === undefined) throw new Error(`${id} needs ${name}`)
    return value
  })
  const { query = '', betas = managedAgents, headers = [], type = 'application/json' } = options
  const bytes =
    options.bytes ?? (options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body)))
  // A POST without a body says so, as fetch does.
  const body = bytes ?? (operation.method === 'POST' ? Buffer.alloc(0) : undefined)
  return {
    method: operation.method,
    target: path + query,
    headers: [
      ...sdkHeaders,
      ...(betas === '' ? [] : ([['anthropic-beta', betas]] as const)),
      ...headers,
      ...(bytes === undefined ? [] : ([['content-type', type]] as const)),
    ],
    ...(body === undefined ? {} : { body }),
  }
}
