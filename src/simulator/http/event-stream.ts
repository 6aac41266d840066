// Server-sent events over one response: head at once, then each event as it happens, then pings while quiet.

import type { ServerResponse } from 'node:http'
import type { SimulatorClock } from '../clock.ts'
import { type EventLog, frameOf } from '../sessions/event-log.ts'
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
      // A stream that opens in the middle of a message gets no headless deltas: only the message itself.
      const started = new Set<string>()
      const unsubscribe = log.subscribe({
        onEvent: (event, frame) => {
          started.delete(event.id)
          write(response, frame)
        },
        onEnd: () => response.end(),
        previews: deltas,
        onPreview: ({ id }, frame, isStart) => {
          if (isStart) started.add(id)
          if (started.has(id)) write(response, frame)
        },
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
