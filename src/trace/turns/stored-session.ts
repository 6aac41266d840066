// A session as the ledger has it -> what its turns are read from.
import { parseJson } from '../../kernel/parse-json.ts'
import type { SessionTraceRows } from '../../ledger/queries/session-trace.ts'
import { type EventDetail, eventDetailSchema } from '../../upstream/event-detail-schema.ts'
import type { StoredEvent } from './event-line.ts'
import type { SessionFacts } from './read-turns.ts'

/** What is kept of an event; empty where it cannot be read. */
export const detailOf = ({ detail }: SessionTraceRows['events'][number]): EventDetail => {
  const parsed = eventDetailSchema.safeParse(parseJson(detail))
  return parsed.success ? parsed.data : {}
}

/** As `readTurns` wants it. */
export const toStored = (row: SessionTraceRows['events'][number]): StoredEvent => ({
  eventId: row.event_id,
  type: row.type,
  atMicros: row.at_micros,
  carriedBy: row.thread_id,
  about: row.about_thread_id,
  detail: detailOf(row),
})

/** What is known beside its events. */
export function sessionFacts(
  sessionId: string,
  { session, threads }: Pick<SessionTraceRows, 'session' | 'threads'>,
): SessionFacts {
  return {
    sessionId,
    agentName: session?.agent_name || session?.agent_id || '',
    primaryThreads: new Set(
      threads.filter(({ is_primary }) => is_primary === 1).map(({ thread_id }) => thread_id),
    ),
    modelOf: (threadId: string) =>
      threads.find(({ thread_id }) => thread_id === threadId)?.model || session?.model || '',
  }
}
