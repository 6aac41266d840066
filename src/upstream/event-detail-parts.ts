// The parts that several events share: content blocks, tool uses, stop reasons, errors, workflow runs, cumulative usage.
import type { Draft } from './event-detail-schema.ts'
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

const blockKinds: ReadonlySet<string> = new Set(['text', 'image', 'document', 'search_result', 'redacted'])

/** Counts, kinds and sizes of `content`; nothing when the event has none. */
export function sightContent(event: Plain, draft: Draft): void {
  const { content } = event
  if (!Array.isArray(content)) return
  const kinds = new Map<string, number>()
  let bytes = 0
  for (const block of content) {
    const kind = kindOf(block)
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    bytes += blockBytes(block)
  }
  draft.content_blocks = content.length
  draft.content_bytes = bytes
  if (kinds.size === 0) return
  draft.content_kinds = [...kinds]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, n]) => `${kind}:${n}`)
    .join(',')
}

function kindOf(block: unknown): string {
  const kind = isPlain(block) ? block['type'] : undefined
  return typeof kind === 'string' && blockKinds.has(kind) ? kind : 'other'
}

/** Of what a block carries: text, encoded data, or the texts of a search result. */
function blockBytes(block: unknown): number {
  if (!isPlain(block)) return 0
  const { text, source, content } = block
  const own = bytesOf(text) ?? 0
  const carried = isPlain(source) ? (bytesOf(source['data']) ?? 0) : 0
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  return parts.reduce<number>(
    (sum, part) => sum + (isPlain(part) ? (bytesOf(part['text']) ?? 0) : 0),
    own + carried,
  )
}

/** A tool that the agent wants to use, and what the permission policy made of it. */
export function sightToolUse(event: Plain, draft: Draft, hashInput: HashInput | undefined): void {
  draft.tool_name = nameOf(event['name'])
  draft.mcp_server_name = nameOf(event['mcp_server_name'])
  draft.thread_id = identifierOf(event['session_thread_id'])
  draft.permission = codeOf(event['evaluated_permission'])
  const { evaluation, input } = event
  if (isPlain(evaluation)) {
    draft.permission_policy = codeOf(evaluation['type'])
    const auto = evaluation['evaluated_permission']
    if (isPlain(auto)) {
      draft.permission ??= codeOf(auto['type'])
      draft.permission_reason = codeOf(auto['reason_code'])
    }
  }
  if (input === undefined) return
  draft.input_bytes = Buffer.byteLength(JSON.stringify(input))
  if (hashInput !== undefined) draft.input_hash = hashInput(input)
}

const waitingCharsMax = 4_096

/** Why a session or thread came to rest. */
export function sightStop(event: Plain, draft: Draft): void {
  const { stop_reason: reason, stop_details: details } = event
  if (isPlain(details)) {
    draft.refusal_category = codeOf(details['category'])
    draft.message_bytes = bytesOf(details['explanation'])
  }
  if (!isPlain(reason)) return
  draft.stop_reason = codeOf(reason['type'])
  const { event_ids: ids } = reason
  if (!Array.isArray(ids)) return
  draft.stop_event_count = ids.length
  let waiting = ''
  for (const id of ids.map(identifierOf)) {
    if (id === undefined) continue
    if (waiting.length + id.length >= waitingCharsMax) break
    waiting = waiting === '' ? id : `${waiting},${id}`
  }
  draft.stop_event_ids = waiting
}

/** An error's type and whether it is tried again; its message only by size, a repository's address not at all. */
export function sightError(error: unknown, draft: Draft): void {
  if (!isPlain(error)) return
  draft.error_type = codeOf(error['type'])
  draft.message_bytes = bytesOf(error['message'])
  draft.retry_status = isPlain(error['retry_status']) ? codeOf(error['retry_status']['type']) : undefined
  draft.mcp_server_name = nameOf(error['mcp_server_name'])
  draft.credential_id = identifierOf(error['credential_id'])
  draft.vault_id = identifierOf(error['vault_id'])
}

/** A workflow run or one of its phases. Their names and descriptions are the agent's words, so only counted. */
export function sightRun(event: Plain, draft: Draft): void {
  draft.workflow_run_id = identifierOf(event['workflow_run_id'])
  draft.workflow_run_phase_id = identifierOf(event['workflow_run_phase_id'])
  draft.phase_started_id = identifierOf(event['phase_started_id'])
  draft.message_bytes = bytesOf(event['description'])
  if (Array.isArray(event['phases'])) draft.phase_count = event['phases'].length
  const { result } = event
  if (isPlain(result)) draft.workflow_result = codeOf(result['type'])
  sightError(isPlain(result) ? result['error'] : event['error'], draft)
}

/** What a session used until now: cumulative, never to be added up. */
export function sightBudget(usage: Plain, draft: Draft): void {
  const { active_seconds: seconds, list_cost: cost, server_tool_use: tools, cache_creation: writes } = usage
  if (typeof seconds === 'number') draft.active_ms = countOf(Math.round(seconds * 1000))
  if (isPlain(cost) && typeof cost['amount'] === 'string' && /^\d{1,18}$/.test(cost['amount']))
    draft.list_cost_cents = cost['amount']
  if (isPlain(tools)) draft.web_search_requests = countOf(tools['web_search_requests'])
  if (!isPlain(writes)) return
  draft.cache_write_tokens =
    (countOf(writes['ephemeral_5m_input_tokens']) ?? 0) + (countOf(writes['ephemeral_1h_input_tokens']) ?? 0)
}
