// Server-sent events on their way out, frame by frame: copied, delayed, padded, re-lined.

import { z } from 'zod'
import type { Fault } from './fault.ts'
import { addUnknownFields } from './unknown-fields.ts'

/** Bytes to write, after a wait. */
export type TimedText = { readonly text: string; readonly delayMs: number }

const dataSchema = z.record(z.string(), z.unknown())
const lineEnds = { lf: '\n', crlf: '\r\n', cr: '\r' } as const
const commentFrame = ': ping\n\n'
const pingFrame = 'event: ping\ndata: {"type":"ping"}\n\n'
const unknownFrame =
  'event: simulator.unknown_event\ndata: {"type":"simulator.unknown_event","id":"sevt_unknown","value":1}\n\n'

/** Takes text as it comes and gives back whole frames as the fault wants them; `rest` is what never became a frame. */
export function createEventRewriter(fault: Fault): {
  readonly take: (text: string) => readonly TimedText[]
  readonly rest: () => string
} {
  let pending = ''
  const lined = (text: string): string => text.replaceAll('\n', lineEnds[fault.line_end ?? 'lf'])
  return {
    take: (text) => {
      const frames = (pending + text).split('\n\n')
      pending = frames.pop() ?? ''
      return frames
        .flatMap((frame) => rewrite(`${frame}\n\n`, fault))
        .map(({ text: frame, delayMs }) => ({ text: lined(frame), delayMs }))
    },
    rest: () => lined(pending),
  }
}

function rewrite(frame: string, fault: Fault): readonly TimedText[] {
  const type = /^event: ?(.*)$/m.exec(frame)?.[1]
  if (type === 'ping' || frame.startsWith(':')) {
    const beat = fault.heartbeat === undefined ? frame : fault.heartbeat === 'ping' ? pingFrame : commentFrame
    return [{ text: beat, delayMs: 0 }]
  }
  const isMeant = fault.events === undefined || fault.events.includes(type ?? '')
  const known = fault.unknown_fields === true ? withData(frame, addUnknownFields) : frame
  if (!isMeant) return [{ text: known, delayMs: 0 }]
  const bytes = fault.event_padding_bytes
  const padded =
    bytes === undefined
      ? known
      : withData(known, (data) => ({ ...data, simulator_padding: 'x'.repeat(bytes) }))
  const ahead = fault.event_unknown === true ? unknownFrame : ''
  const [first, ...copies] = Array.from({ length: fault.event_copies ?? 1 }, () => padded)
  return [
    { text: ahead + first, delayMs: fault.event_delay_ms ?? 0 },
    ...copies.map((text) => ({ text, delayMs: 0 })),
  ]
}

function withData(frame: string, change: (data: Record<string, unknown>) => unknown): string {
  return frame.replace(/^data: (.*)$/m, (line, text: string) => {
    try {
      return `data: ${JSON.stringify(change(dataSchema.parse(JSON.parse(text))))}`
    } catch {
      return line
    }
  })
}
