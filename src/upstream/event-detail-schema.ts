// The names under which details of events are kept, and their reading back. Flat: words, counts and flags.
import { z } from 'zod'

const text = z.string().optional()
const count = z.number().optional()
const flag = z.boolean().optional()

/** Reads back what `detailOf` gave; fields that are not its own are dropped. */
export const eventDetailSchema = z.object({
  tool_name: text,
  /** Event id of the tool use that a result or a confirmation answers. */
  tool_use_id: text,
  mcp_server_name: text,
  /** `allow`, `ask` or `deny`. */
  permission: text,
  /** `always_allow`, `always_ask` or `auto`. */
  permission_policy: text,
  permission_reason: text,
  input_bytes: count,
  /** Keyed digest of the tool's input: equal inputs of one gateway's key, equal hashes. */
  input_hash: text,
  is_error: flag,
  content_blocks: count,
  content_bytes: count,
  /** `text:2,image:1`, sorted by name. */
  content_kinds: text,
  /** `allow` or `deny`. */
  confirmation: text,
  /** Of a denial's message, an error's message, an outcome's or refusal's explanation, a description. */
  message_bytes: count,
  stop_reason: text,
  /** Event ids that wait for an answer, comma-separated; cut at whole ids. */
  stop_event_ids: text,
  stop_event_count: count,
  refusal_category: text,
  error_type: text,
  /** `retrying`, `exhausted` or `terminal`. */
  retry_status: text,
  credential_id: text,
  vault_id: text,
  outcome_id: text,
  outcome_iteration: count,
  outcome_max_iterations: count,
  outcome_result: text,
  outcome_evaluation_start_id: text,
  /** `file` or `text`. */
  rubric_type: text,
  workflow_run_id: text,
  workflow_run_phase_id: text,
  /** Event id of the start that a `workflow_run.phase_ended` ends. */
  phase_started_id: text,
  /** `completed`, `error` or `stopped`. */
  workflow_result: text,
  phase_count: count,
  from_thread_id: text,
  to_thread_id: text,
  /** Thread that is created or changes status, or that an event of the user is for. */
  thread_id: text,
  agent_name: text,
  agent_id: text,
  agent_version: count,
  model: text,
  /** Event id of the start that a `span.model_request_end` ends. */
  model_request_start_id: text,
  speed: text,
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  active_ms: count,
  web_search_requests: count,
  /** Integer of US cents, as the upstream wrote it. */
  list_cost_cents: text,
  /** As above: what the budget is now. */
  budget_cents: text,
  /** Names only, comma-separated, sorted. */
  changed_keys: text,
  metadata_count: count,
  /** Of a type we do not know. */
  field_count: count,
})

/** A flat object of strings, numbers and booleans; what the event does not say is absent. */
export type EventDetail = Readonly<z.output<typeof eventDetailSchema>>

/** A detail while it is read. */
export type Draft = { -readonly [Key in keyof EventDetail]: EventDetail[Key] }
