// L0 to L2: a session's own facts against what the upstream has stated of it, in tokens, in running time and in money.
import { formatUsd, parseUsd } from '../../kernel/money.ts'
import type { SessionTotals } from '../../ledger/queries/session-totals.ts'
import type { Book } from '../book.ts'
import { rateStated } from '../rates.ts'
import { blankDifference, type Compared, conclude, type Difference, sizeOf } from './difference.ts'

/** Everything of a session is in its last snapshot: nothing happened since, and it does not run. */
const isSettled = (session: SessionTotals): boolean =>
  session.last_stated_ms > 0 && session.last_fact_ms <= session.last_stated_ms && !session.is_running

const categories = ['input', 'output', 'cache_read', 'cache_write'] as const

/** L0: every token that the upstream counts is a fact; tolerance none. */
export function compareTokens(sessions: readonly SessionTotals[]): Compared {
  const settled = sessions.filter(isSettled)
  const differences = settled.flatMap((session): readonly Difference[] => {
    const off = categories.flatMap((category) => {
      const has = session[`fact_${category}_tokens`]
      const stated = session[`stated_${category}_tokens`]
      return has === stated ? [] : [{ category, by: has - stated }]
    })
    if (off.length === 0) return []
    return [
      {
        ...blankDifference,
        level: 'L0',
        reason: off.some(({ by }) => by < 0) ? 'missed_usage' : 'too_much',
        sessionId: session.session_id,
        detail: off.map(({ category, by }) => `${by > 0 ? '+' : ''}${by} ${category} tokens`).join(', '),
      },
    ]
  })
  return conclude('L0', settled.length, differences)
}

/** L1: the intervals cover what the upstream says ran; within a second or a thousandth, for they only say when. */
export function compareRunningTime(sessions: readonly SessionTotals[]): Compared {
  const settled = sessions.filter(isSettled)
  const differences = settled.flatMap((session): readonly Difference[] => {
    const off = session.running_ms - session.stated_active_ms
    if (Math.abs(off) <= Math.max(1_000, session.stated_active_ms / 1_000)) return []
    return [
      {
        ...blankDifference,
        level: 'L1',
        reason: 'running_time',
        sessionId: session.session_id,
        detail: `${off > 0 ? '+' : ''}${off} ms of running time`,
      },
    ]
  })
  return conclude('L1', settled.length, differences)
}

const cent = 10_000_000_000n

/** L2: what it costs by our prices is what the upstream states, to the cent; a price that changed shows here first. */
export function compareListCost(sessions: readonly SessionTotals[], book: Book): Compared {
  // A session that runs across a change of the hourly rate has no one rate; the day's comparison has it.
  const compared = sessions.filter(
    (session) => isSettled(session) && session.list_cost_cents !== null && rate(session, book) !== null,
  )
  const differences = compared.flatMap((session): readonly Difference[] => {
    if (session.unpriced_requests > 0) {
      const detail = `${session.unpriced_requests} model requests without a price`
      return [{ ...blankDifference, level: 'L2', reason: 'unpriced', sessionId: session.session_id, detail }]
    }
    const rated = rate(session, book) ?? 0n
    const stated = BigInt(session.list_cost_cents ?? '0') * cent
    const off = rated - stated
    if (sizeOf(off) <= cent) return []
    const sameTokens = categories.every(
      (name) => session[`fact_${name}_tokens`] === session[`stated_${name}_tokens`],
    )
    return [
      {
        ...blankDifference,
        level: 'L2',
        reason: sameTokens ? 'price_drift' : off < 0n ? 'missed_usage' : 'too_much',
        sessionId: session.session_id,
        ledgerPicoUsd: rated,
        providerPicoUsd: stated,
        detail: `the ledger rates it ${formatUsd(rated)}, the upstream states ${formatUsd(stated)}`,
      },
    ]
  })
  return conclude('L2', compared.length, differences)
}

function rate(session: SessionTotals, book: Book): bigint | null {
  const meters = rateStated(book, {
    activeMs: session.stated_active_ms,
    webSearches: session.stated_web_searches,
    fromMs: session.first_fact_ms,
    untilMs: session.last_stated_ms,
  })
  return meters === null ? null : parseUsd(session.token_cost_usd) + meters
}
