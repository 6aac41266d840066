// A turn of a session as a tree of spans: plain data, made of stored events alone, with ids that anybody who has the same
// events gets too.
import { hash } from 'node:crypto'

/** What a span stands for; names as in the GenAI conventions where they have one. */
export type TurnSpanKind =
  | 'invoke_agent'
  | 'chat'
  | 'execute_tool'
  | 'await_approval'
  | 'await_client'
  | 'evaluate_outcome'
  | 'invoke_workflow'
  | 'workflow_phase'

/** One span. Times are microseconds since the epoch. */
export type TurnSpan = {
  readonly spanId: string
  readonly kind: TurnSpanKind
  /** Of the agent, model, tool or run. */
  readonly name: string
  readonly startedAtMicros: number
  /** Null while it goes on. */
  readonly endedAtMicros: number | null
  /** The event that began it. */
  readonly startEventId: string
  /** The event that ended it; '' when none was seen: then it ends with what closed it. */
  readonly endEventId: string
  /** '' on the primary thread. */
  readonly threadId: string
  /** The kind of error it ended with; '' without one. */
  readonly error: string
  /** What else is said of it, a flat object of words and counts. */
  readonly facts: { readonly [name: string]: string | number | boolean }
  readonly children: readonly TurnSpan[]
}

/** From the moment a session begins to run until it rests for another reason than a question to people. */
export type Turn = {
  readonly traceId: string
  /** The span all others hang from: without length, there as soon as the turn has begun. */
  readonly anchorId: string
  readonly startEventId: string
  readonly startedAtMicros: number
  /** Null while it goes on. */
  readonly endedAtMicros: number | null
  /** `end_turn`, `budget_reached`, `terminated`, …; '' while it goes on. */
  readonly stopReason: string
  readonly spans: readonly TurnSpan[]
}

/** Say a new version here when the same events are to make other spans: an id may not stand for two things. */
const version = 'v1'

/** 32 hex digits, the same for the same first event of a turn. */
export const turnTraceId = (sessionId: string, startEventId: string): string =>
  nonZero(hash('sha256', `${version}|trace|${sessionId}|${startEventId}`).slice(0, 32))

/** 16 hex digits, the same for the same kind and first event. */
export const turnSpanId = (sessionId: string, kind: string, startEventId: string): string =>
  nonZero(hash('sha256', `${version}|span|${sessionId}|${kind}|${startEventId}`).slice(0, 16))

// W3C Trace Context: an all-zero id is invalid.
const nonZero = (id: string): string => (/^0+$/.test(id) ? `${id.slice(1)}1` : id)
