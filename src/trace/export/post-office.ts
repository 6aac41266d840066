// Sends what is in the outbox, oldest first, one at a time, for as long as it takes: a receiver that is away, slow or asks to
// wait loses nothing. Only what it refuses for good is dropped, and counted.
import type { Logger } from '../../kernel/logger.ts'
import type { Outbox, Signal } from './outbox.ts'

export type Receiver = { readonly url: string; readonly headers: Readonly<Record<string, string>> }

export type PostOffice = {
  /** There is something to send. */
  readonly nudge: () => void
  readonly counts: () => { readonly sent: number; readonly refused: number; readonly failures: number }
  /** Sends what it can within so long, and stops; the rest stays in the outbox. */
  readonly close: (withinMs: number) => Promise<void>
}

const timeoutMs = 10_000
const firstWaitMs = 500
const longestWaitMs = 60_000
const longestAskedMs = 600_000

/** Opens it. `waitMs` is the first wait after a failure; it doubles up to a minute. */
export function openPostOffice(deps: {
  readonly outbox: Outbox
  readonly receivers: { readonly [signal in Signal]: Receiver | null }
  readonly logger: Logger
  readonly waitMs?: number
}): PostOffice {
  const { outbox, receivers, logger, waitMs = firstWaitMs } = deps
  const counts = { sent: 0, refused: 0, failures: 0 }
  let inARow = 0
  let going: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const stop = new AbortController()

  const sendNext = async (): Promise<'sent' | 'empty' | { readonly waitMs: number }> => {
    const found = await outbox.next()
    if (found === null) return 'empty'
    const { name, letter } = found
    const receiver = receivers[letter.signal]
    // Nobody wants this signal any more.
    const answer =
      receiver === null
        ? { kind: 'refused' as const, status: 0 }
        : await post(receiver, letter.type, letter.bytes, stop.signal)
    if (answer.kind === 'again') {
      counts.failures += 1
      inARow += 1
      if (inARow === 5)
        logger.warn(
          { status: answer.status, letters: outbox.count() },
          'traces of sessions are not taken now; they wait in the outbox',
        )
      return { waitMs: answer.waitMs ?? Math.min(longestWaitMs, waitMs * 2 ** Math.min(inARow - 1, 20)) }
    }
    inARow = 0
    if (answer.kind === 'sent') counts.sent += letter.items.length
    else {
      counts.refused += letter.items.length
      logger.error(
        { status: answer.status, signal: letter.signal, items: letter.items.length },
        'a batch of traces was refused for good and is dropped',
      )
    }
    await outbox.done(name)
    return 'sent'
  }
  const run = async (): Promise<void> => {
    for (;;) {
      const came = await sendNext().catch((err: unknown) => {
        logger.error({ err }, 'the outbox of traces cannot be read')
        return { waitMs: longestWaitMs }
      })
      if (came === 'empty') return
      if (came === 'sent') continue
      if (!isClosed) timer = setTimeout(nudge, came.waitMs)
      timer?.unref()
      return
    }
  }
  const nudge = (): void => {
    clearTimeout(timer)
    timer = undefined
    going ??= run().finally(() => {
      going = null
    })
  }
  nudge()
  return {
    nudge: () => {
      // While it waits for a receiver, more letters do not make it come sooner.
      if (timer === undefined && !isClosed) nudge()
    },
    counts: () => counts,
    close: async (withinMs) => {
      isClosed = true
      clearTimeout(timer)
      nudge()
      const late = setTimeout(() => stop.abort(), withinMs)
      await going
      clearTimeout(late)
    },
  }
}

type Answer =
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'again'; readonly status: number; readonly waitMs?: number }

/** What may be well later: nobody there, overload, and a credential that somebody will mend. */
const isTemporary = (status: number): boolean =>
  status >= 500 || [401, 403, 404, 408, 425, 429].includes(status)

async function post(
  { url, headers }: Receiver,
  type: string,
  body: Buffer,
  stop: AbortSignal,
): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body: new Uint8Array(body),
      redirect: 'error',
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
    })
    await answer.body?.cancel()
    const { status } = answer
    if (status >= 200 && status < 300) return { kind: 'sent' }
    if (!isTemporary(status)) return { kind: 'refused', status }
    const asked = readRetryAfter(answer.headers.get('retry-after'))
    return { kind: 'again', status, ...(asked === null ? {} : { waitMs: asked }) }
  } catch {
    return { kind: 'again', status: 0 }
  }
}

/** Seconds or a date, as RFC 9110 has it; at most ten minutes. */
function readRetryAfter(text: string | null): number | null {
  if (text === null || text.trim() === '') return null
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, longestAskedMs) : null
}
