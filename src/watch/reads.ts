// The watcher's questions to one upstream, each taken out of the budget and counted by kind. A refusal for going too
// fast pauses them all for as long as the upstream asks; anything else is for the look that asked.
import type { FollowedReading, FollowedStream, FollowUpstream } from '../forward/follow-upstream.ts'
import type { Priority, ReadBudget } from './read-budget.ts'

export const readKinds = ['session', 'events', 'threads', 'thread_events', 'stream', 'sweep'] as const
export type ReadKind = (typeof readKinds)[number]

/** The object is not there, or not any more. */
export class GoneError extends Error {}
/** The upstream answered something else than what was asked for. */
export class ReadError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`the upstream answered ${status}`)
    this.status = status
  }
}

export type Reads = {
  /** The body of a 2xx. Rejects with a `GoneError`, a `ReadError`, or what the connection says. */
  readonly get: (kind: ReadKind, path: string, priority: Priority) => Promise<unknown>
  /** Every page's body, first to last; `path` has a query already. Returns the page it stopped before, null at the end. */
  readonly pages: (
    kind: ReadKind,
    path: string,
    priority: Priority,
    onPage: (body: unknown) => Promise<void>,
    part?: { readonly from: string | null; readonly pagesMax: number },
  ) => Promise<string | null>
  /** Opens a stream. Rejects as `get` does. */
  readonly stream: (
    path: string,
    priority: Priority,
    onChunk: (chunk: Buffer) => void,
  ) => Promise<FollowedStream>
}

/** 429 of the limits, 529 of an upstream that has too much to do. */
const tooFast: ReadonlySet<number> = new Set([429, 529])
/** Without a word of the upstream about how long. */
const pauseMs = 10_000
const pauseMsMax = 300_000
const triesMax = 4
/** More pages than any history has; an upstream that never ends must not hold us. */
const pagesMaxEver = 10_000

/** Makes the reader of one upstream. */
export function createReads(deps: {
  readonly upstream: FollowUpstream
  readonly budget: ReadBudget
  readonly onRead: (kind: ReadKind) => void
  /** Told of every refusal for going too fast. */
  readonly onRefused: () => void
}): Reads {
  const { upstream, budget } = deps

  async function ask<Answer extends { readonly status: number; readonly retryAfterMs: number | null }>(
    kind: ReadKind,
    priority: Priority,
    send: () => Promise<Answer>,
  ): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      await budget.take(priority)
      deps.onRead(kind)
      const answer = await send()
      if (answer.status >= 200 && answer.status < 300) return answer
      if (answer.status === 404 || answer.status === 410) throw new GoneError('not there any more')
      if (!tooFast.has(answer.status)) throw new ReadError(answer.status)
      deps.onRefused()
      budget.pause(Math.min(answer.retryAfterMs ?? pauseMs * tries, pauseMsMax))
      if (tries >= triesMax) throw new ReadError(answer.status)
    }
  }
  const get: Reads['get'] = async (kind, path, priority) => {
    const { body, status }: FollowedReading = await ask(kind, priority, () => upstream.read(path))
    if (body === undefined) throw new ReadError(status)
    return body
  }
  return {
    get,
    pages: async (
      kind,
      path,
      priority,
      onPage,
      { from, pagesMax } = { from: null, pagesMax: pagesMaxEver },
    ) => {
      let page = from
      for (let count = 0; count < pagesMax; count += 1) {
        const place: string = page === null ? '' : `&page=${encodeURIComponent(page)}`
        const body = await get(kind, path + place, priority)
        await onPage(body)
        page = nextPageOf(body)
        if (page === null) return null
      }
      return page
    },
    stream: (path, priority, onChunk) => ask('stream', priority, () => upstream.stream(path, onChunk)),
  }
}

/** The objects of a page; none when it is no page. */
export function dataOf(body: unknown): readonly unknown[] {
  if (typeof body !== 'object' || body === null || !('data' in body)) return []
  return Array.isArray(body.data) ? body.data : []
}

function nextPageOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('next_page' in body)) return null
  return typeof body.next_page === 'string' && body.next_page !== '' ? body.next_page : null
}
