// A fact + what is known of models -> a row with its charge. A request names no model: its thread does, or its session.
import type { RequestFact, SessionRow, ThreadRow, UsageEventFact, UsageEventRow } from '../ledger/rows.ts'
import { parseLedgerTime } from './upstream-time.ts'

export type ChargeColumns = Pick<UsageEventRow, 'cost_usd' | 'price_id' | 'unpriced_reason'>

/** What is known of the models of one session; fields are undefined while unseen. */
export type KnownModels = {
  readonly session: Pick<SessionRow, 'model' | 'speed' | 'inference_geo'> | undefined
  readonly thread: Pick<ThreadRow, 'model' | 'speed' | 'inference_geo'> | undefined
}

/**
 * Prices a fact with what is known. `ver` grows with knowledge alone (price known, model known, thread named), so of
 * two copies the better informed stays, whichever gateway wrote it and whenever. The price comes first: the primary
 * thread's requests come without its name on the session's stream and with it on its own, where a gateway that never
 * saw the thread cannot price them.
 */
export function attribute(
  fact: UsageEventFact,
  known: KnownModels,
  price: (fact: RequestFact) => ChargeColumns,
): UsageEventRow {
  const runs = modelOf(fact, known)
  const speed = fact.event_speed === '' ? runs.speed : fact.event_speed
  const occurredAtMs = Math.floor(parseLedgerTime(fact.occurred_at) / 1000)
  const charge =
    fact.kind === 'message_part'
      ? brokenOff
      : price({ ...fact, ...runs, speed, occurred_at_ms: occurredAtMs })
  const ver =
    (charge.cost_usd === null ? 0 : 4) + (runs.model === '' ? 0 : 2) + (fact.thread_id === '' ? 0 : 1)
  return { ...fact, model: runs.model, speed, inference_geo: runs.inference_geo, ...charge, ver }
}

const unknown = { model: '', speed: '', inference_geo: '' }

/** What was said until then stays in the counts; what it cost is not known, and no less than that. */
const brokenOff: ChargeColumns = {
  cost_usd: null,
  price_id: '',
  unpriced_reason: 'the answer broke off before the upstream said what it used',
}

function modelOf(fact: UsageEventFact, { session, thread }: KnownModels) {
  if (fact.event_model !== '') return { model: fact.event_model, speed: '', inference_geo: fact.event_geo }
  // A thread we know nothing of may run any model: the session's would be a guess.
  if (fact.thread_id !== '' && thread === undefined) return unknown
  const { model, speed, inference_geo } =
    thread !== undefined && thread.model !== '' ? thread : (session ?? unknown)
  return { model, speed, inference_geo }
}
