// HTTP in front of the routes: reads the body, checks key and beta, answers JSON or hands the response over.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SimulatorClock } from '../clock.ts'
import { newId } from '../ids.ts'
import { checkAccess } from './access.ts'
import { ApiError, errorEnvelope, invalidRequest, tooLarge } from './api-error.ts'
import type { CredentialBook } from './credentials.ts'
import type { createRequestRecorder, OpenRecord } from './request-record.ts'
import { type ApiReply, createRouter, type Route } from './router.ts'

const bodyLimitBytes = 32 * 1024 * 1024
const recordedBodyBytes = 64 * 1024

/** The two ids that the upstream puts on every response; they name nobody. */
const identityHeaders = {
  'anthropic-organization-id': '5a1f0c1e-0000-4000-8000-000000000001',
  'anthropic-workspace-id': 'wrkspc_011CSimulatorWorkspace01',
}

type ServerDeps = {
  readonly routes: readonly Route[]
  readonly clock: SimulatorClock
  readonly credentials: CredentialBook
  readonly recorder: ReturnType<typeof createRequestRecorder>
}

async function readBody(request: IncomingMessage, record: OpenRecord): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    record.bodyBytes += bytes.length
    // Leaving the loop early would cut the connection before the 413 could be read.
    if (record.bodyBytes <= bodyLimitBytes) chunks.push(bytes)
  }
  if (record.bodyBytes > bodyLimitBytes) throw tooLarge(bodyLimitBytes)
  if (record.bodyBytes === 0) return undefined
  const body = Buffer.concat(chunks)
  record.bodyText = body.subarray(0, recordedBodyBytes).toString()
  try {
    return JSON.parse(body.toString())
  } catch {
    throw invalidRequest('the request body is not valid JSON')
  }
}

/** A request listener over the routes. Every answer carries `request-id` and the organization's headers. */
export function createListener({ routes, clock, credentials, recorder }: ServerDeps): RequestListener {
  const match = createRouter(routes)

  const answer = async (request: IncomingMessage, record: OpenRecord): Promise<ApiReply> => {
    const [path = '/', ...rest] = record.path.split('?')
    const identity = credentials.find(request.headers)
    const { route, param } = match(record.method, path)
    checkAccess(route.access, identity, request.headers)
    const body = route.body === 'raw' ? undefined : await readBody(request, record)
    const query = new URLSearchParams(rest.join('?'))
    return route.run({ param, query, body, headers: request.headers, identity, raw: request })
  }

  const sendJson = (response: ServerResponse, record: OpenRecord, status: number, body: unknown): void => {
    const text = JSON.stringify(body)
    record.status = status
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    })
    response.end(text)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = recorder.open(request, newId('req'), clock.nowMs())
    response.setHeader('request-id', record.requestId)
    for (const [name, value] of Object.entries(identityHeaders)) response.setHeader(name, value)
    try {
      const reply = await answer(request, record)
      if (reply.kind === 'json') return sendJson(response, record, reply.status, reply.body)
      record.status = 200
      reply.attach(response)
    } catch (error) {
      if (request.destroyed && !request.complete) return
      const known =
        error instanceof ApiError
          ? error
          : new ApiError(500, 'api_error', `the simulator failed: ${String(error)}`)
      sendJson(response, record, known.status, errorEnvelope(known, record.requestId))
    }
  }

  return (request, response) => {
    void serve(request, response)
  }
}
