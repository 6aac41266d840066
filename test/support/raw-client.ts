// A client that sends exactly what it is told and shows exactly what came back.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'

export type RawAnswer = {
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** One request over a fresh connection, its whole answer. Rejects when the answer breaks off. */
export async function send(
  url: string,
  options: {
    readonly method?: string
    readonly headers?: http.OutgoingHttpHeaders | readonly string[]
    readonly body?: Buffer | string
  } = {},
): Promise<RawAnswer> {
  const request = http.request(url, {
    method: options.method ?? 'GET',
    agent: false,
    headers: options.headers ?? {},
  })
  request.end(options.body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    headers: response.headers,
    body: Buffer.concat(chunks),
  }
}

/** Opens a request and hands over its response as soon as the head is there. */
export async function open(
  url: string,
  options: { readonly method?: string; readonly headers?: http.OutgoingHttpHeaders } = {},
): Promise<{ readonly request: http.ClientRequest; readonly response: http.IncomingMessage }> {
  const request = http.request(url, {
    method: options.method ?? 'GET',
    agent: false,
    headers: options.headers ?? {},
  })
  // A test that goes away on purpose makes the request fail; that is no accident.
  request.on('error', () => {})
  request.end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.on('error', () => {})
  return { request, response }
}

/** Writes raw bytes on a fresh connection and returns everything that came back until it closed. */
export async function sendBytes(port: number, bytes: string | Buffer): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.end(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}
