// Server-sent events read beside the client's stream: frames in, raw event objects out, bytes never touched.
// A frame that is broken, hostile or too large ends the reading, never the stream.
import { StringDecoder } from 'node:string_decoder'
import { createParser } from 'eventsource-parser'
import { parseJson } from '../kernel/parse-json.ts'

/** Unfinished frames larger than this end the tap (16 Mi characters). */
export const eventCharsMax = 16 * 1024 * 1024

export type EventStreamTap = {
  readonly read: (chunk: Buffer) => void
  /** Complete frames seen so far, heartbeats excluded. */
  readonly events: () => number
}

/**
 * `onEvent` gets the parsed `data` of every frame that may matter; `onBroken` is called at most once,
 * with the reason, when the stream cannot be read any further.
 */
export function createEventStreamTap(deps: {
  /** Which types are worth parsing; the others come by the hundred and are only counted. */
  readonly isRead: (type: string) => boolean
  readonly onEvent: (data: unknown) => void
  /** The type of a frame that was not worth parsing. */
  readonly onSkipped: (type: string) => void
  readonly onUnreadable: (reason: string) => void
}): EventStreamTap {
  const decoder = new StringDecoder('utf8')
  let events = 0
  let isBroken = false
  const parser = createParser({
    maxBufferSize: eventCharsMax,
    onEvent: (frame) => {
      if (frame.event !== 'ping') events += 1
      if (frame.event !== undefined && !deps.isRead(frame.event)) return deps.onSkipped(frame.event)
      const data = parseJson(frame.data)
      if (data === undefined) deps.onUnreadable('frame_not_json')
      else deps.onEvent(data)
    },
    onError: (error) => {
      if (error.type !== 'max-buffer-size-exceeded') return
      isBroken = true
      deps.onUnreadable('frame_too_large')
    },
  })
  return {
    read: (chunk) => {
      if (!isBroken) parser.feed(decoder.write(chunk))
    },
    events: () => events,
  }
}
