import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect, test } from 'vitest'
import { type ErrorCode, errorKinds } from '../../src/kernel/errors.ts'
import { errorEnvelope } from '../../src/upstream/error-envelope.ts'

const asSdkError = (code: ErrorCode) => {
  const { status, headers, body } = errorEnvelope(code, 'what to do next', 'req_7')
  return APIError.generate(status, JSON.parse(body.toString()), undefined, new Headers(headers))
}

test('the SDK raises its own error class for every code, with our code, sentence and request id', () => {
  const codes = Object.keys(errorKinds).filter((code): code is ErrorCode => code in errorKinds)
  for (const code of codes) {
    expect(asSdkError(code)).toMatchObject({
      status: errorKinds[code].status,
      type: errorKinds[code].type,
      errorCode: code,
      apiMessage: 'what to do next',
      requestID: 'req_7',
    })
  }
  expect(asSdkError('authorize.denied')).toBeInstanceOf(Anthropic.PermissionDeniedError)
  expect(asSdkError('identify.credential_missing')).toBeInstanceOf(Anthropic.AuthenticationError)
  expect(asSdkError('body.malformed')).toBeInstanceOf(Anthropic.BadRequestError)
  expect(asSdkError('upstream.unreachable')).toBeInstanceOf(Anthropic.InternalServerError)
})

test('the unmodified SDK asks once when we say that asking again is useless, and again when we do not', async () => {
  const attempts = async (code: ErrorCode): Promise<number> => {
    let count = 0
    const { status, headers, body } = errorEnvelope(code, 'no', 'req_8')
    const sdk = new Anthropic({
      apiKey: 'tg_test',
      maxRetries: 1,
      fetch: async () => {
        count++
        return new Response(body, { status, headers: { ...headers, 'retry-after-ms': '1' } })
      },
    })
    await expect(sdk.beta.sessions.retrieve('sesn_1')).rejects.toBeInstanceOf(APIError)
    return count
  }
  expect(await attempts('authorize.denied')).toBe(1)
  expect(await attempts('pin.version_required')).toBe(1)
  expect(await attempts('upstream.timeout')).toBe(2)
})

test('the length is stated in bytes, and any sentence survives', () => {
  const message = 'käse "`x`" \u0000 \ud83d'
  const { headers, body } = errorEnvelope('gateway.internal', message, 'req_9')
  expect(headers['content-length']).toBe(String(body.length))
  expect(JSON.parse(body.toString()).error.message).toBe(message)
})

test('the trace stands beside the request id, and only where there is one', () => {
  const read = (traceId?: string) =>
    JSON.parse(errorEnvelope('body.malformed', 'no', 'req_9', traceId).body.toString())
  expect(read('0af7651916cd43dd8448eb211c80319c')).toMatchObject({
    request_id: 'req_9',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
  })
  expect(read()).not.toHaveProperty('trace_id')
})
