// What is kept of an event besides its identity and time: names, ids, codes, counts and sizes, never what was said,
// asked of a tool or answered by it. One case per event type of the API (SDK 1.12.0 resources/beta/sessions/events).
import {
  sightBudget,
  sightContent,
  sightError,
  sightRun,
  sightStop,
  sightToolUse,
} from './event-detail-parts.ts'
import type { Draft, EventDetail } from './event-detail-schema.ts'
import {
  bytesOf,
  codeOf,
  countOf,
  type HashInput,
  identifierOf,
  isPlain,
  nameOf,
  type Plain,
} from './event-detail-values.ts'

type Case = (event: Plain, draft: Draft, hashInput: HashInput | undefined) => void

const nothing: Case = () => {}
const content: Case = (event, draft) => sightContent(event, draft)

const result =
  (useField: string): Case =>
  (event, draft) => {
    draft.tool_use_id = identifierOf(event[useField])
    draft.is_error = event['is_error'] === true
    target(event, draft, undefined)
    sightContent(event, draft)
  }

const target: Case = (event, draft) => {
  draft.thread_id = identifierOf(event['session_thread_id'])
}

const thread: Case = (event, draft, hashInput) => {
  target(event, draft, hashInput)
  draft.agent_name = nameOf(event['agent_name'])
  draft.workflow_run_id = identifierOf(event['workflow_run_id'])
}

const outcome: Case = (event, draft) => {
  draft.outcome_id = identifierOf(event['outcome_id'])
  draft.outcome_iteration = countOf(event['iteration'])
}

const usage = (raw: unknown, draft: Draft): void => {
  if (!isPlain(raw)) return
  draft.input_tokens = countOf(raw['input_tokens'])
  draft.output_tokens = countOf(raw['output_tokens'])
  draft.cache_read_tokens = countOf(raw['cache_read_input_tokens'])
  draft.cache_write_tokens = countOf(raw['cache_creation_input_tokens'])
  draft.speed = codeOf(raw['speed'])
}

const cases: { readonly [type: string]: Case } = {
  'user.message': content,
  'user.interrupt': target,
  'user.tool_confirmation': (event, draft) => {
    draft.tool_use_id = identifierOf(event['tool_use_id'])
    draft.confirmation = codeOf(event['result'])
    draft.message_bytes = bytesOf(event['deny_message'])
    target(event, draft, undefined)
  },
  'user.custom_tool_result': result('custom_tool_use_id'),
  'user.tool_result': result('tool_use_id'),
  'user.define_outcome': (event, draft) => {
    outcome(event, draft, undefined)
    draft.outcome_max_iterations = countOf(event['max_iterations'])
    draft.message_bytes = bytesOf(event['description'])
    draft.rubric_type = isPlain(event['rubric']) ? codeOf(event['rubric']['type']) : undefined
  },
  'system.message': content,
  'agent.message': content,
  'agent.thinking': nothing,
  'agent.tool_use': sightToolUse,
  'agent.mcp_tool_use': sightToolUse,
  'agent.custom_tool_use': sightToolUse,
  'agent.tool_result': result('tool_use_id'),
  'agent.mcp_tool_result': result('mcp_tool_use_id'),
  'agent.thread_message_sent': (event, draft) => {
    draft.to_thread_id = identifierOf(event['to_session_thread_id'])
    draft.agent_name = nameOf(event['to_agent_name'])
    sightContent(event, draft)
  },
  'agent.thread_message_received': (event, draft) => {
    draft.from_thread_id = identifierOf(event['from_session_thread_id'])
    draft.agent_name = nameOf(event['from_agent_name'])
    sightContent(event, draft)
  },
  'agent.thread_context_compacted': nothing,
  'span.model_request_start': nothing,
  'span.model_request_end': (event, draft) => {
    draft.model_request_start_id = identifierOf(event['model_request_start_id'])
    draft.is_error = event['is_error'] === true
    usage(event['model_usage'], draft)
  },
  'span.outcome_evaluation_start': outcome,
  'span.outcome_evaluation_ongoing': outcome,
  'span.outcome_evaluation_end': (event, draft) => {
    outcome(event, draft, undefined)
    draft.outcome_evaluation_start_id = identifierOf(event['outcome_evaluation_start_id'])
    draft.outcome_result = codeOf(event['result'])
    draft.message_bytes = bytesOf(event['explanation'])
    usage(event['usage'], draft)
  },
  'session.status_running': nothing,
  'session.status_idle': sightStop,
  'session.status_rescheduled': nothing,
  'session.status_terminated': nothing,
  'session.deleted': nothing,
  'session.thread_created': thread,
  'session.thread_status_running': thread,
  'session.thread_status_rescheduled': thread,
  'session.thread_status_terminated': thread,
  'session.thread_status_idle': (event, draft) => {
    thread(event, draft, undefined)
    sightStop(event, draft)
  },
  'session.error': (event, draft) => sightError(event['error'], draft),
  'session.usage': (event, draft) => {
    usage(event['usage'], draft)
    if (isPlain(event['usage'])) sightBudget(event['usage'], draft)
    budget(event, draft)
  },
  'session.updated': (event, draft) => {
    draft.changed_keys = changedKeys(event)
    budget(event, draft)
    const { agent, metadata } = event
    if (isPlain(metadata)) draft.metadata_count = Object.keys(metadata).length
    if (!isPlain(agent)) return
    draft.agent_id = identifierOf(agent['id'])
    draft.agent_name = nameOf(agent['name'])
    draft.agent_version = countOf(agent['version'])
    draft.model = isPlain(agent['model']) ? identifierOf(agent['model']['id']) : undefined
  },
  'workflow_run.created': sightRun,
  'workflow_run.status_running': sightRun,
  'workflow_run.status_idle': sightRun,
  'workflow_run.status_ended': sightRun,
  'workflow_run.error': sightRun,
  'workflow_run.phase_started': sightRun,
  'workflow_run.phase_ended': sightRun,
}

const budget = (event: Plain, draft: Draft): void => {
  const limit = isPlain(event['budget']) ? event['budget']['max_list_cost'] : undefined
  if (isPlain(limit)) draft.budget_cents = centsOf(limit['amount'])
}

/** The fields of an update that may change. Names beside them are the upstream's, not ours to repeat. */
const updatable = ['agent', 'budget', 'metadata', 'title']
const changedKeys = (event: Plain): string => updatable.filter((key) => event[key] !== undefined).join(',')

const centsOf = (raw: unknown): string | undefined =>
  typeof raw === 'string' && /^\d{1,18}$/.test(raw) ? raw : undefined

/** The types that `detailOf` knows. */
export const detailedTypes: ReadonlySet<string> = new Set(Object.keys(cases))

/**
 * What is kept of one raw event. A type that is not known gives how many fields it had, and nothing of them. Never
 * throws by itself; `hashInput` is asked about the inputs of tools, without it they have no hash.
 */
export function detailOf(raw: unknown, hashInput?: HashInput): EventDetail {
  const draft: Draft = {}
  if (!isPlain(raw)) return draft
  const { type } = raw
  const read = typeof type === 'string' && detailedTypes.has(type) ? cases[type] : undefined
  if (read === undefined) {
    sightContent(raw, draft)
    draft.field_count = Object.keys(raw).length
  } else read(raw, draft, hashInput)
  return withoutAbsent(draft)
}

function withoutAbsent(draft: Draft): EventDetail {
  const kept: Draft = {}
  for (const key in draft) {
    const value: unknown = Reflect.get(draft, key)
    if (value !== undefined) Reflect.set(kept, key, value)
  }
  return kept
}
