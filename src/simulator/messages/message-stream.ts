// A message as server-sent events, in the order and with the usage of the real API (SDK 1.12.0
// `BetaRawMessageStreamEvent`): paced by the simulator's clock, broken in the middle when a script says so.

import type { ServerResponse } from 'node:http'
import type { SimulatorClock } from '../clock.ts'
import { ApiError, errorEnvelope, errorTypeOf } from '../http/api-error.ts'
import type { JsonObject } from '../json.ts'
import { frameOf } from '../sessions/event-log.ts'
import type { AnswerBlock } from './answer-blocks.ts'
import type { FinishedMessage } from './message-engine.ts'
import type { MessageScript } from './message-script.ts'

/** A frame, and the output tokens that the model had made when it was sent. */
type TimedFrame = { readonly frame: string; readonly outputTokens: number }

const pieceLength = 24
const pingMs = 15_000

const piecesOf = (text: string): readonly string[] =>
  text.match(new RegExp(`[^]{1,${pieceLength}}`, 'gu')) ?? []

const isToolUse = (type: unknown): boolean => type === 'tool_use' || type === 'server_tool_use'

/** The block as it starts: empty where deltas follow. */
function startOf(view: JsonObject): JsonObject {
  if (view['type'] === 'text') return { ...view, text: '' }
  if (view['type'] === 'thinking') return { ...view, thinking: '', signature: '' }
  return isToolUse(view['type']) ? { ...view, input: {} } : view
}

function deltasOf(view: JsonObject): readonly JsonObject[] {
  if (view['type'] === 'text') {
    return piecesOf(String(view['text'])).map((text) => ({ type: 'text_delta', text }))
  }
  if (view['type'] === 'thinking') {
    return [
      ...piecesOf(String(view['thinking'])).map((thinking) => ({
        type: 'thinking_delta',
        thinking,
        estimated_tokens: null,
      })),
      { type: 'signature_delta', signature: view['signature'] },
    ]
  }
  if (!isToolUse(view['type'])) return []
  return ['', ...piecesOf(JSON.stringify(view['input']))].map((partial) => ({
    type: 'input_json_delta',
    partial_json: partial,
  }))
}

const frame = (type: string, fields: JsonObject): string => frameOf(type, { type, ...fields })

function blockFrames({ view }: AnswerBlock, index: number): readonly string[] {
  return [
    frame('content_block_start', { index, content_block: startOf(view) }),
    // The real API pings once when the first block has opened.
    ...(index === 0 ? [frame('ping', {})] : []),
    ...deltasOf(view).map((delta) => frame('content_block_delta', { index, delta })),
    frame('content_block_stop', { index }),
  ]
}

/** Every frame of a message, first to last. */
function messageFrames({ view, blocks }: FinishedMessage): readonly TimedFrame[] {
  const { usage } = view
  const total = usage.output_tokens
  const opened = Math.min(1, total)
  const start = frame('message_start', {
    message: {
      ...view,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: { ...usage, output_tokens: opened, output_tokens_details: null, server_tool_use: null },
    },
  })
  const body = blocks.flatMap(blockFrames)
  const { service_tier, speed, inference_geo, cache_creation, ...cumulative } = usage
  const { container, stop_reason, stop_sequence, stop_details, context_management } = view
  const end = frame('message_delta', {
    delta: { container, stop_reason, stop_sequence, stop_details },
    usage: cumulative,
    context_management,
  })
  return [
    { frame: start, outputTokens: opened },
    ...body.map((text, at) => ({
      frame: text,
      outputTokens: Math.max(opened, Math.floor((total * (at + 1)) / body.length)),
    })),
    { frame: end, outputTokens: total },
    { frame: frame('message_stop', {}), outputTokens: total },
  ]
}

/** The error that a script asks for. */
export function scriptedError({ status, type, message }: NonNullable<MessageScript['error']>): ApiError {
  return new ApiError(status, type ?? errorTypeOf(status), message)
}

/**
 * Streams a message into a response, with a ping every 15 seconds that it lasts. What was sent is booked at the end, or when the client leaves; a scripted error
 * ends the stream instead and nothing is booked.
 */
export function streamMessage(
  message: FinishedMessage,
  clock: SimulatorClock,
  response: ServerResponse,
  onComplete: () => void,
): void {
  const { script } = message
  const error = script?.error
  const frames = messageFrames(message)
  const delayMs = script?.delay_ms ?? 0
  let sent = 0
  let isOver = false
  let callOff = (): void => {}
  let callOffPing = (): void => {}

  const finish = (outputTokens: number | null): void => {
    if (isOver) return
    isOver = true
    callOff()
    callOffPing()
    if (outputTokens !== null) message.book(outputTokens)
  }
  const sendNext = (): void => {
    do {
      const next = frames[sent]
      if (isOver || next === undefined) return
      if (error?.after_events === sent) {
        const requestId = String(response.getHeader('request-id') ?? '')
        finish(null)
        response.end(frameOf('error', errorEnvelope(scriptedError(error), requestId)))
        return
      }
      response.write(next.frame)
      sent += 1
      if (sent === frames.length) {
        finish(next.outputTokens)
        onComplete()
        response.end()
        return
      }
    } while (delayMs === 0)
    callOff = clock.after(delayMs, sendNext)
  }

  const ping = (): void => {
    response.write(frame('ping', {}))
    callOffPing = clock.after(pingMs, ping)
  }

  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  response.on('close', () => finish(frames[sent - 1]?.outputTokens ?? 0))
  callOffPing = clock.after(pingMs, ping)
  sendNext()
}
