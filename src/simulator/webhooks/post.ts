// One POST to a webhook's URL: never through a redirect, and never to a stranger.

import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

const attemptTimeoutMs = 10_000

/** Whether the simulator may send there: to this machine, or to an origin its owner named. */
export function isReachable(url: string, origins: readonly string[]): boolean {
  const { hostname, origin } = new URL(url)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
  return isLoopback || origins.includes(origin)
}

/** The status that answered; null when none did. */
export function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<number | null> {
  return new Promise((resolve) => {
    const send = new URL(url).protocol === 'https:' ? requestHttps : requestHttp
    const request = send(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]),
      // A connection of its own: receivers of tests close without waiting for idle ones.
      agent: false,
    })
    request.on('error', () => resolve(null))
    request.on('response', (response) => {
      response.on('error', () => {})
      response.resume()
      resolve(response.statusCode ?? null)
    })
    request.end(body)
  })
}
