// The client of a storm: one call on a connection of its own, played step by step.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'

export type Call = {
  readonly request: http.ClientRequest
  /** The head of the answer. Rejects when the connection ends before. */
  readonly head: Promise<http.IncomingMessage>
  /** Status and body once the answer has ended; `broken` when it broke off. */
  readonly answer: Promise<{ readonly status: number; readonly body: Buffer; readonly broken: boolean }>
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>
}

export type CallOptions = {
  readonly method?: string
  readonly headers?: http.OutgoingHttpHeaders
  /** The whole body; without it a POST stays open until its player ends it. */
  readonly body?: Buffer | string
  readonly agent?: http.Agent
  /** Leave the answer unread: its player reads, or does not. */
  readonly unread?: boolean
}

/** Sends the head, and the body when there is one. */
export function call(url: string, tag: string, options: CallOptions = {}): Call {
  const request = http.request(url, {
    method: options.method ?? 'GET',
    agent: options.agent ?? false,
    headers: { 'user-agent': tag, ...options.headers },
  })
  request.on('error', () => {})
  const head = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', (response) => {
      response.on('error', () => {})
      resolve(response)
    })
    request.once('close', () => reject(new Error('the connection ended before an answer')))
  })
  head.catch(() => {})
  const answer = options.unread === true ? new Promise<never>(() => {}) : read(head)
  answer.catch(() => {})
  const gone = new Promise<void>((resolve) => request.once('close', resolve))
  if (options.body !== undefined || request.method === 'GET') request.end(options.body)
  else request.flushHeaders()
  return { request, head, answer, gone }
}

async function read(head: Promise<http.IncomingMessage>): Promise<Awaited<Call['answer']>> {
  const response = await head
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!response.closed) await new Promise((resolve) => response.once('close', resolve))
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks), broken: !response.complete }
}

/** Writes raw bytes on a fresh connection. */
export async function connectRaw(url: string, bytes: string): Promise<net.Socket> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  await new Promise((resolve) => socket.write(bytes, resolve))
  return socket
}
