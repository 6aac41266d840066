// Events in pairs, a start and what ends it: each becomes one span. Pure: pairs depend on the events and nothing else.
import type { EventLine } from './event-line.ts'
import { type TurnSpan, type TurnSpanKind, turnSpanId } from './span.ts'

/** A span that has no children yet. Without an end event it ends when its turn does. */
export type Pair = Omit<TurnSpan, 'children'>

type Start = {
  readonly kind: TurnSpanKind
  readonly name: string
  readonly start: EventLine
  readonly end: EventLine | undefined
  readonly error?: string
  readonly facts?: Pair['facts']
}

/** Every pair of a session but those of the runs of its threads, in the order of their starts. */
export function findPairs(
  sessionId: string,
  events: readonly EventLine[],
  modelOf: (event: EventLine) => string,
): readonly Pair[] {
  const find = createEnds(events)
  return events.flatMap((event) =>
    startsAt(event, find, modelOf).map(
      (start): Pair => ({
        spanId: turnSpanId(sessionId, start.kind, start.start.eventId),
        kind: start.kind,
        name: start.name,
        startedAtMicros: start.start.atMicros,
        // A clock that ran backwards makes no negative time.
        endedAtMicros: start.end === undefined ? null : Math.max(start.start.atMicros, start.end.atMicros),
        startEventId: start.start.eventId,
        endEventId: start.end?.eventId ?? '',
        threadId: start.start.threadId,
        error: start.error ?? '',
        facts: start.facts ?? {},
      }),
    ),
  )
}

const toolUses: ReadonlySet<string> = new Set([
  'agent.tool_use',
  'agent.mcp_tool_use',
  'agent.custom_tool_use',
])

type Ends = ReturnType<typeof createEnds>

/** Ends by what they name; of several the first counts. */
function createEnds(events: readonly EventLine[]) {
  const byName = new Map<string, EventLine>()
  const note = (what: string, id: string | undefined, event: EventLine): void => {
    const key = `${what} ${id}`
    if (id !== undefined && id !== '' && !byName.has(key)) byName.set(key, event)
  }
  for (const event of events) {
    const { detail, type } = event
    if (type.endsWith('tool_result')) note('result', detail.tool_use_id, event)
    if (type === 'user.tool_confirmation') note('confirmation', detail.tool_use_id, event)
    if (type === 'span.model_request_end') note('model', detail.model_request_start_id, event)
    if (type === 'span.outcome_evaluation_end') note('outcome', detail.outcome_evaluation_start_id, event)
    if (type === 'workflow_run.status_ended') note('run', detail.workflow_run_id, event)
    if (type === 'workflow_run.phase_ended') note('phase', detail.phase_started_id, event)
    if (type === 'session.status_idle' && detail.stop_reason === 'requires_action') {
      for (const id of (detail.stop_event_ids ?? '').split(',')) note('asked', id, event)
    }
  }
  return (what: string, id: string): EventLine | undefined => byName.get(`${what} ${id}`)
}

function startsAt(event: EventLine, find: Ends, modelOf: (event: EventLine) => string): readonly Start[] {
  const { type, detail, eventId } = event
  if (toolUses.has(type)) return toolStarts(event, find)
  if (type === 'span.model_request_start') {
    const end = find('model', eventId)
    const error = end?.detail.is_error === true ? 'model_request_failed' : ''
    return [{ kind: 'chat', name: modelOf(event), start: event, end, error }]
  }
  if (type === 'span.outcome_evaluation_start') {
    const end = find('outcome', eventId)
    const facts = {
      outcome_id: detail.outcome_id ?? '',
      iteration: detail.outcome_iteration ?? 0,
      result: end?.detail.outcome_result ?? '',
    }
    return [{ kind: 'evaluate_outcome', name: detail.outcome_id ?? '', start: event, end, facts }]
  }
  if (type === 'workflow_run.created') {
    const end = find('run', detail.workflow_run_id ?? '')
    const error = end?.detail.workflow_result === 'error' ? (end.detail.error_type ?? 'workflow_failed') : ''
    return [{ kind: 'invoke_workflow', name: detail.workflow_run_id ?? '', start: event, end, error }]
  }
  if (type === 'workflow_run.phase_started') {
    const name = detail.workflow_run_phase_id ?? ''
    const facts = { workflow_run_id: detail.workflow_run_id ?? '' }
    return [{ kind: 'workflow_phase', name, start: event, end: find('phase', eventId), facts }]
  }
  return []
}

/** A use of a tool, and beside it what it waited for: a person's word, or the client that runs it. */
function toolStarts(event: EventLine, find: Ends): readonly Start[] {
  const { detail, eventId, type } = event
  const result = find('result', eventId)
  const confirmation = find('confirmation', eventId)
  const name = detail.tool_name ?? ''
  const said = {
    ...(detail.permission === undefined ? {} : { permission: detail.permission }),
    ...(detail.mcp_server_name === undefined ? {} : { server: detail.mcp_server_name }),
    ...(confirmation === undefined ? {} : { confirmation: confirmation.detail.confirmation ?? '' }),
  }
  const isDenied = detail.permission === 'deny' || confirmation?.detail.confirmation === 'deny'
  // What was refused is over with the refusal, whether or not a result says so.
  const end = result ?? (isDenied ? (confirmation ?? event) : undefined)
  const error = result?.detail.is_error === true && !isDenied ? 'tool_error' : ''
  const use: Start = { kind: 'execute_tool', name, start: event, end, error, facts: said }
  const asks = detail.permission === 'ask' || confirmation !== undefined
  const asked = find('asked', eventId)
  const isAway = type === 'agent.custom_tool_use' || result?.type.startsWith('user.') === true
  // A result that came before the session had stopped to wait was waited for by nobody.
  const awaited = isAway && asked !== undefined && (result === undefined || result.atMicros >= asked.atMicros)
  return [
    use,
    ...(asks
      ? [
          {
            kind: 'await_approval',
            name,
            start: event,
            end: confirmation,
            facts: { result: confirmation?.detail.confirmation ?? '' },
          } as const,
        ]
      : []),
    ...(awaited && !asks
      ? [
          {
            kind: 'await_client',
            name,
            start: { ...asked, eventId, threadId: event.threadId },
            end: result,
          } as const,
        ]
      : []),
  ]
}
