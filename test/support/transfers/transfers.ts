// Large transfers through a gateway process: what arrived, and what the gateway held meanwhile. No vitest in here:
// `npm run soak` runs it too.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { GatewayProcess } from '../gateway-process.ts'
import { untilStill } from '../still.ts'
import { noise, writeBytes } from './bytes.ts'
import { type MemoryWatch, watchMemory } from './resident-memory.ts'
import type { TransferUpstream } from './upstream.ts'

export type Transfer = {
  readonly name: string
  readonly bytes: number
  readonly seconds: number
  /** The SHA-256 at both ends is the same. */
  readonly isIntact: boolean
  /** How many bytes had left the sender when the receiver took none; null where the receiver was never slow. */
  readonly heldBackAt: number | null
  readonly memory: MemoryWatch
}

export type TransferPlan = {
  readonly gateway: Pick<GatewayProcess, 'gatewayUrl' | 'pid' | 'key'>
  readonly upstream: TransferUpstream
  readonly bytes: number
}

type Moved = { readonly isIntact: boolean; readonly heldBackAt: number | null }

const version = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'managed-agents-2026-04-01' } as const

/** Up and down, with both ends quick and with a receiver that stops for a while. One after the other. */
export async function runTransfers(plan: TransferPlan): Promise<readonly Transfer[]> {
  const steps: readonly (readonly [string, () => Promise<Moved>])[] = [
    ['upload', () => upload(plan, { isHeld: false, isChunked: false })],
    ['upload, chunked', () => upload(plan, { isHeld: false, isChunked: true })],
    ['upload, slow upstream', () => upload(plan, { isHeld: true, isChunked: false })],
    ['download', () => download(plan, `/v1/files/file_${plan.bytes}/content`, false)],
    ['download, slow client', () => download(plan, `/v1/files/file_${plan.bytes}/content`, true)],
    [
      'event stream, slow client',
      () => download(plan, `/v1/sessions/sesn_${plan.bytes}/events/stream`, true),
    ],
  ]
  const done: Transfer[] = []
  for (const [name, run] of steps) {
    let moved: Moved = { isIntact: false, heldBackAt: null }
    const started = performance.now()
    const memory = await watchMemory(plan.gateway.pid, async () => {
      moved = await run()
    })
    const seconds = (performance.now() - started) / 1000
    done.push({ name, bytes: plan.bytes, seconds, ...moved, memory })
  }
  return done
}

function open(
  { gateway }: TransferPlan,
  path: string,
  method: string,
  headers: http.OutgoingHttpHeaders = {},
): http.ClientRequest {
  return http.request(gateway.gatewayUrl + path, {
    method,
    agent: false,
    headers: { ...version, 'x-api-key': gateway.key, ...headers },
  })
}

async function upload(
  plan: TransferPlan,
  { isHeld, isChunked }: { readonly isHeld: boolean; readonly isChunked: boolean },
): Promise<Moved> {
  const { upstream, bytes } = plan
  const held = isHeld ? upstream.holdUploads() : null
  const request = open(plan, '/v1/files', 'POST', {
    'content-type': 'multipart/form-data; boundary=x',
    ...(isChunked ? {} : { 'content-length': bytes }),
  })
  const answered = once(request, 'response')
  let sentBytes = 0
  const written = writeBytes(request, noise, bytes, (sent) => {
    sentBytes += sent
  })
  const heldBackAt = held === null ? null : await untilStill(() => sentBytes)
  held?.resolve()
  const hash = await written
  request.end()
  const [response] = await answered
  response.resume()
  await once(response, 'close')
  return { isIntact: response.statusCode === 200 && upstream.lastHash() === hash, heldBackAt }
}

async function download(plan: TransferPlan, path: string, isSlow: boolean): Promise<Moved> {
  const { upstream } = plan
  const before = upstream.movedBytes()
  const request = open(plan, path, 'GET')
  request.end()
  const [response] = await once(request, 'response')
  // Nobody reads yet.
  const heldBackAt = isSlow ? (await untilStill(upstream.movedBytes)) - before : null
  const hash = createHash('sha256')
  for await (const chunk of response) hash.update(chunk)
  return { isIntact: response.statusCode === 200 && upstream.lastHash() === hash.digest('hex'), heldBackAt }
}
