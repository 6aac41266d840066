// Server-sent events over one response: head at once, then each event as it happens, then pings while quiet.

import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import type { SimulatorClock } from '../clock.ts'
import { type EventLog, frameOf, type SessionEvent } from '../sessions/event-log.ts'
import { invalidRequest } from './api-error.ts'
import { queryList } from './router.ts'

export type EventStreams = {
  /** Streams the log's coming events into the response until either side ends. */
  readonly attach: (log: EventLog, deltas: ReadonlySet<string>, response: ServerResponse) => void
  readonly open: () => number
  /** Ends every stream and stops the pings. */
  readonly close: () => void
}

// A reader that stops reading is cut, so that it cannot fill our memory.
const bufferedBytesMax = 16 * 1024 * 1024
const ping = frameOf('ping', { type: 'ping' })
const deltaLength = 24

/** The kinds of preview a stream asks for. Throws a 400 for anything the upstream cannot preview. */
export function readDeltas(query: URLSearchParams): ReadonlySet<string> {
  const wanted = queryList(query, 'event_deltas')
  if (wanted.length > 100) throw invalidRequest('event_deltas: at most 100 values')
  for (const type of wanted) {
    if (type !== 'agent.message' && type !== 'agent.thinking') {
      throw invalidRequest(`event_deltas: \`${type}\` cannot be previewed`)
    }
  }
  return new Set(wanted)
}

const messageBlocks = z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))

/** The previews that come before a buffered event: a start, and for messages the text in pieces. */
function previewOf(event: SessionEvent): string {
  const start = frameOf('event_start', { type: 'event_start', event: { id: event.id, type: event.type } })
  const blocks = messageBlocks.safeParse(event['content'])
  if (!blocks.success) return start
  const pieces = blocks.data.flatMap(({ text }, index) =>
    (text.match(new RegExp(`[^]{1,${deltaLength}}`, 'gu')) ?? []).map((piece) =>
      frameOf('event_delta', {
        type: 'event_delta',
        event_id: event.id,
        delta: { type: 'content_delta', index, content: { type: 'text', text: piece } },
      }),
    ),
  )
  return start + pieces.join('')
}

/** The streams of one simulator. All of them are pinged together every `heartbeatMs`. */
export function createEventStreams(clock: SimulatorClock, heartbeatMs: number): EventStreams {
  const responses = new Set<ServerResponse>()
  let cancelPing = (): void => {}

  const write = (response: ServerResponse, text: string): void => {
    if (response.writableLength > bufferedBytesMax) response.destroy()
    else response.write(text)
  }
  const pingAll = (): void => {
    for (const response of responses) write(response, ping)
    cancelPing = clock.after(heartbeatMs, pingAll)
  }
  cancelPing = clock.after(heartbeatMs, pingAll)

  return {
    attach: (log, deltas, response) => {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
      })
      response.flushHeaders()
      responses.add(response)
      const unsubscribe = log.subscribe({
        onEvent: (event, frame) => write(response, deltas.has(event.type) ? previewOf(event) + frame : frame),
        onEnd: () => response.end(),
      })
      response.on('close', () => {
        responses.delete(response)
        unsubscribe()
      })
    },
    open: () => responses.size,
    close: () => {
      cancelPing()
      for (const response of responses) response.end()
    },
  }
}
