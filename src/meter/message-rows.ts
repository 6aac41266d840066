// A call of the Messages API -> its fact, and the row that says whose the calls of this caller are.
import type { StatedRows } from '../ledger/rows.ts'
import { noTokens, toRequestTokens } from './event-rows.ts'
import type { MeteredMessage } from './record-schema.ts'
import { formatLedgerTime } from './upstream-time.ts'

/** All calls of one caller are under one id; the row is the same whenever it is written. */
const beginning = formatLedgerTime(0)

/** Rows of a message. One without an id counts under its exchange's, which made no other. */
export function projectMessage(message: MeteredMessage): Partial<StatedRows> {
  const { session_id, team, caller, tokens } = message
  const isKnown = message.is_whole && tokens !== null
  return {
    sessions: [
      {
        session_id,
        team,
        caller,
        agent_id: '',
        agent_name: '',
        agent_version: 0,
        model: '',
        speed: '',
        inference_geo: '',
        environment_id: '',
        deployment_id: '',
        created_at: beginning,
        ver: 2,
      },
    ],
    facts: [
      {
        session_id,
        event_id: message.message_id === '' ? message.exchange_id : message.message_id,
        kind: isKnown ? 'message' : 'message_part',
        thread_id: '',
        // A message says no time of its own: the gateway's clock is all there is.
        occurred_at: formatLedgerTime(Math.round(message.seen_at_ms) * 1000),
        event_speed: message.speed,
        event_model: message.model,
        event_geo: message.inference_geo,
        service_tier: message.service_tier,
        web_search_requests: message.web_search_requests,
        is_error: 0,
        ...toRequestTokens(tokens ?? noTokens),
      },
    ],
  }
}
