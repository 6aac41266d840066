// Streams that tell the decoders of the SDK's versions apart, and the ways in which their bytes may come.
import type { Version } from './sdk-versions.ts'

const data = (id: string) => `data: {"type":"event","id":"${id}"}`

/** Frames of every sort that some version drops. */
export const mixedStream = `: hello

event: message
${data('plain message')}

${data('no name')}

event: session.status_running
${data('in the list')}

event: session.usage
${data('younger than the list')}

event: somebody.invented_this
${data('invented')}

event: ping
${data('ping')}

id: 7
retry: 10
event:session.status_idle
data: {"type":"event",
data:"id":"in two lines, no space, grüße 👋"}

event: agent.message
${data('named twice')}
event: message

: bye

event: message
${data('last')}

`

const onlyMessage = ['plain message', 'named twice', 'last']
const listed = ['plain message', 'in the list', 'in two lines, no space, grüße 👋', 'named twice', 'last']
const anyName = [...listed.slice(0, 2), 'younger than the list', 'invented', ...listed.slice(2)]

/** The ids that each version yields of `mixedStream`. */
export const yields: Readonly<Record<Version, readonly string[]>> = {
  '0.88': onlyMessage,
  '0.109': listed,
  '0.137': anyName,
  '1.0': anyName,
  '1.12': anyName,
}

export type HardStream = {
  readonly text: string
  /** The ids yielded before it ends, and the class of the failure it ends with. */
  readonly ids: readonly string[]
  readonly failure?: string
  /** When the oldest two versions, 0.88 and 0.109, do otherwise. */
  readonly old?: { readonly ids: readonly string[]; readonly failure: string }
}

const before = `event: message\n${data('before')}\n\n`
const after = `event: message\n${data('after')}\n\n`
const envelope = { type: 'error', error: { type: 'overloaded_error', message: 'busy' }, request_id: 'req_1' }

/** Streams on which loops fail, or are only just saved from it. */
export const hardStreams: Readonly<Record<string, HardStream>> = {
  'a name without data': {
    text: `${before}event: message_stop\n\n${after}`,
    ids: ['before', 'after'],
    old: { ids: ['before'], failure: 'SyntaxError' },
  },
  'data that is no JSON': {
    text: `${before}event: message\ndata: {"id":\n\n${after}`,
    ids: ['before'],
    failure: 'SyntaxError',
  },
  'an error': {
    text: `${before}event: error\ndata: ${JSON.stringify(envelope)}\n\n${after}`,
    ids: ['before'],
    failure: 'APIError',
  },
  'a frame that never ends': { text: `${before}event: message\n${data('unfinished')}`, ids: ['before'] },
  'a byte order mark': { text: `\ufeff${before}${after}`, ids: ['before', 'after'] },
  nothing: { text: '', ids: [] },
}

const inPieces = (text: string, bytes: number): readonly Buffer[] => {
  const all = Buffer.from(text)
  return Array.from({ length: Math.ceil(all.length / bytes) }, (_, at) =>
    all.subarray(at * bytes, (at + 1) * bytes),
  )
}

/** How a stream's bytes may come: line ends, and the pieces they are written in. */
export const framings: Readonly<Record<string, (text: string) => readonly Buffer[]>> = {
  'at once': (text) => [Buffer.from(text)],
  'byte by byte': (text) => inPieces(text, 1),
  'in sevens': (text) => inPieces(text, 7),
  'at once with CRLF': (text) => [Buffer.from(text.replaceAll('\n', '\r\n'))],
  'byte by byte with CRLF': (text) => inPieces(text.replaceAll('\n', '\r\n'), 1),
  'at once with CR': (text) => [Buffer.from(text.replaceAll('\n', '\r'))],
}
