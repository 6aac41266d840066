// Sending a permitted request on its way up, and noting on the exchange what came back.
import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Permit } from '../authorize/permit.ts'
import type { AnswerEdit } from '../forward/edited-answer.ts'
import type { Forward, ForwardRequest } from '../forward/forward.ts'
import { type ErrorCode, TollgateError } from '../kernel/errors.ts'
import type { Tap, Tapped } from '../tap/tap.ts'
import type { Exchange } from './exchange.ts'
import { writePinHeader } from './pin-report.ts'
import { refuseRaw, traceHeaders } from './refuse.ts'

export type SendDeps = {
  readonly forward: Forward
  readonly createTap: (tapped: Tapped) => Tap | null
  /** What of this answer must change on its way down, e.g. a list that others' objects are cut from; mostly null. */
  readonly editAnswer: (permit: Permit, request: IncomingMessage) => AnswerEdit | null
}

/** Sends what was permitted; throws a plain `Error` when nothing was. The answer is written by the forward room. */
export function send(exchange: Exchange, request: FastifyRequest, reply: FastifyReply, deps: SendDeps): void {
  const { steps } = exchange
  const { permit } = steps
  if (permit === null) throw new Error('forward without a permit')
  const tap = deps.createTap({ permit, params: exchange.params, exchangeId: exchange.id, pin: steps.pin })
  steps.tap = tap
  deps.forward({
    permit,
    request: request.raw,
    response: reply.raw,
    traceparent: exchange.span.traceparent,
    addedHeaders: addedHeaders(exchange).map(visible),
    tapped: tap !== null,
    edit: deps.editAnswer(permit, request.raw),
    watch: watch(exchange, reply, tap),
  })
}

function watch(exchange: Exchange, reply: FastifyReply, tap: Tap | null): ForwardRequest['watch'] {
  const { steps } = exchange
  return {
    onHead: (head) => {
      steps.head = head
      tap?.onHead(head)
    },
    onChunk: (chunk) => {
      steps.responseBytes += chunk.length
      if (steps.head?.isEventStream === true) {
        steps.endsWhole = endsWithBlankLine(chunk)
        // Chunks of one read come one after the other: only the last of them says how it ends.
        if (steps.lastWords !== null) process.nextTick(sayLastWords, exchange, reply.raw)
      }
      tap?.onChunk(chunk)
    },
    onComplete: () => {
      steps.upstreamCompleted = true
      tap?.onComplete()
    },
    onFailure: (error, headSent) => {
      steps.upstreamFailure = error
      if (!headSent) refuseRaw(exchange, failureCode(error), reply.raw, error)
    },
    onCutShort: () => tap?.onBroken(),
  }
}

const endsWithBlankLine = (chunk: Buffer): boolean => {
  const end = chunk.subarray(-4).toString('latin1')
  return end.endsWith('\n\n') || end.endsWith('\r\n\r\n')
}

/** Ends a stream with its last words, unless it is in the middle of an event: then the end of that event does. */
export function sayLastWords(exchange: Exchange, response: FastifyReply['raw']): void {
  const { steps } = exchange
  if (steps.lastWords === null || !steps.endsWhole || response.writableEnded || response.destroyed) return
  // Nothing readable can be added to compressed bytes.
  if ((steps.head?.contentEncoding ?? '') === '') response.end(steps.lastWords)
  else response.end()
}

// Some of it is the caller's own text: a line break in it must not end our header, nor make Node refuse to write it.
const visible = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?')

function addedHeaders(exchange: Exchange): readonly string[] {
  const { pin, permit } = exchange.steps
  const headers = Object.entries(traceHeaders(exchange)).flat()
  // Of what its caller may not see, nothing is said of what the pins made of it.
  const written = permit === null || permit.masks.length > 0 ? null : writePinHeader(pin)
  if (written !== null) headers.push('x-tollgate-pin', written)
  const near = exchange.steps.funding?.near ?? ''
  if (near !== '') headers.push('x-tollgate-budget', near)
  return headers
}

// Codes of Node and undici for "no answer in time" and "no connection"; anything else broke while talking.
const timeoutCodes = /^(UND_ERR_(HEADERS|CONNECT|BODY)_TIMEOUT|ETIMEDOUT)$/
const connectCodes =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ENOENT|.*CERT.*|ERR_TLS_\w+|UNABLE_TO_\w+)$/

function failureCode(error: Error): ErrorCode {
  if (error instanceof TollgateError) return error.code
  const code = 'code' in error ? String(error.code) : ''
  if (timeoutCodes.test(code)) return 'upstream.timeout'
  return connectCodes.test(code) ? 'upstream.unreachable' : 'upstream.broken'
}
