// The reading of one call of the Messages API, JSON or stream, for what it used.
import type { ResponseHead } from '../forward/response-headers.ts'
import {
  followMessage,
  messageUsageEvents,
  sightMessage,
  type UpstreamMessage,
} from '../upstream/message-schema.ts'
import { createEventStreamTap } from './event-stream-tap.ts'
import { createJsonTap } from './json-tap.ts'

export type MessageTap = {
  readonly read: (chunk: Buffer) => void
  /** The upstream ended its answer. */
  readonly finish: () => void
  /** It will not: what was said until now is all there is. */
  readonly abandon: () => void
  readonly events: () => number
}

/** `onMessage` gets what a message used, and whether that is the whole of it; `onUnreadable` a reason, for counting. */
export type MessageTapDeps = {
  readonly onMessage: (message: UpstreamMessage, isWhole: boolean) => void
  readonly onUnreadable: (reason: string) => void
}

/** Opens the reading of an answer that is a message, or a stream of one. */
export function createMessageTap(head: ResponseHead, deps: MessageTapDeps): MessageTap {
  return head.isEventStream ? readStream(deps) : readWhole(deps)
}

function readStream({ onMessage, onUnreadable }: MessageTapDeps): MessageTap {
  const stream = followMessage()
  let isTold = false
  const tell = (): void => {
    const message = stream.message()
    if (isTold || message === null) return
    isTold = true
    onMessage(message, stream.isWhole())
  }
  const tap = createEventStreamTap({
    isRead: (type) => messageUsageEvents.has(type),
    onEvent: (event) => {
      stream.read(event)
    },
    onSkipped: () => {},
    onUnreadable,
  })
  return { read: tap.read, finish: tell, abandon: tell, events: tap.events }
}

function readWhole({ onMessage, onUnreadable }: MessageTapDeps): MessageTap {
  const onBody = (body: unknown): void => {
    const message = sightMessage(body)
    if (message === null) onUnreadable('message_unknown')
    else onMessage(message, true)
  }
  const tap = createJsonTap({ onBody, onUnreadable })
  return { ...tap, abandon: () => {}, events: () => 0 }
}
