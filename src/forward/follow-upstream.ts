// The watcher's own reads of one account: short answers whole, and event streams as their bytes come. The same pools
// and credential as everybody's requests; nothing is retried here.
import { parseJson } from '../kernel/parse-json.ts'
import type { RoutedUpstream } from './route.ts'

/** `body` is undefined when the answer is no JSON. `retryAfterMs` is what the upstream asked for, null when it did not. */
export type FollowedReading = {
  readonly status: number
  readonly body: unknown
  readonly retryAfterMs: number | null
}

/** An event stream that is open, or was refused (`status` is not 2xx, and `ended` has come). */
export type FollowedStream = {
  readonly status: number
  readonly retryAfterMs: number | null
  /** Resolves when the stream has ended, for whatever reason. Never rejects. */
  readonly ended: Promise<void>
  readonly close: () => void
}

export type FollowUpstream = {
  /** One GET. Rejects without an answer within the time, and for an answer that is too large. */
  readonly read: (path: string) => Promise<FollowedReading>
  /** Resolves when the head has come. Rejects when none comes. */
  readonly stream: (path: string, onChunk: (chunk: Buffer) => void) => Promise<FollowedStream>
}

const answerTimeoutMs = 30_000
/** A page of a thousand events is about a megabyte. */
const answerBytesMax = 32 * 1024 * 1024
/** The upstream sends heartbeats; a stream silent for so long has a dead peer. */
const silenceMsMax = 300_000
/** The version of the API whose shapes we read. */
const apiVersion = '2026-10-21'

/** Reads one upstream. */
export function createFollowUpstream({
  pools,
  credential,
}: Pick<RoutedUpstream, 'pools' | 'credential'>): FollowUpstream {
  const headers = (accept: string) => ({
    authorization: `Bearer ${credential.reveal()}`,
    accept,
    'accept-encoding': 'identity',
    'anthropic-version': apiVersion,
    'anthropic-beta': 'managed-agents-2026-04-01',
  })
  return {
    read: async (path) => {
      const {
        statusCode,
        headers: head,
        body,
      } = await pools.api.request({
        path,
        method: 'GET',
        headers: headers('application/json'),
        headersTimeout: answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
      })
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of body) {
        if (!Buffer.isBuffer(chunk)) continue
        bytes += chunk.length
        if (bytes > answerBytesMax) throw new Error('the answer is larger than 32 MiB')
        chunks.push(chunk)
      }
      const text = Buffer.concat(chunks).toString('utf8')
      return { status: statusCode, retryAfterMs: readRetryAfter(head), body: parseJson(text) }
    },
    stream: async (path, onChunk) => {
      const controller = new AbortController()
      const {
        statusCode,
        headers: head,
        body,
      } = await pools.stream.request({
        path,
        method: 'GET',
        headers: headers('text/event-stream'),
        headersTimeout: answerTimeoutMs,
        bodyTimeout: silenceMsMax,
        signal: controller.signal,
      })
      const isOpen = statusCode >= 200 && statusCode < 300
      // A refusal's text is of no use; reading it frees the connection.
      const ended = isOpen ? readAll(body, onChunk) : body.dump().catch(() => {})
      return {
        status: statusCode,
        retryAfterMs: readRetryAfter(head),
        ended,
        close: () => controller.abort(),
      }
    },
  }
}

async function readAll(body: AsyncIterable<unknown>, onChunk: (chunk: Buffer) => void): Promise<void> {
  try {
    for await (const chunk of body) if (Buffer.isBuffer(chunk)) onChunk(chunk)
  } catch {
    // Cut by either side: what was missed is in the list.
  }
}

type Head = { readonly [name: string]: string | string[] | undefined }

/** `retry-after-ms`, else `retry-after` in seconds; a date is not worth a clock of ours. */
function readRetryAfter(head: Head): number | null {
  const number = (name: string): number | null => {
    const text = head[name]
    return typeof text === 'string' && /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : null
  }
  const seconds = number('retry-after')
  return number('retry-after-ms') ?? (seconds === null ? null : seconds * 1000)
}
