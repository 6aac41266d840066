// The words of the API that Tollgate has heard of (SDK 1.12.0), so that it can count those it has not. Nothing is decided
// by them: an unknown word passes as it came. A test compares them with the SDK's own declarations.

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** `AnthropicBeta`, and what the SDK's methods, older SDKs and Claude Code send besides. */
export const knownBetas = words(`
  admin-user-sign-out-2026-10-08 advanced-tool-use-2025-11-20 advisor-tool-2026-03-01
  agent-memory-2026-07-22 analytics-usage-cost-2026-08-24 cache-diagnosis-2026-04-07
  ce-claude-code-managed-settings-2026-10-06 ce-plugins-2026-09-01 ce-user-management-2026-07-13
  claude-code-20250219 code-execution-2025-05-22 code-execution-2025-08-25 compact-2026-01-12
  compact-2026-09-04 computer-use-2024-10-22 computer-use-2025-01-24 computer-use-2025-11-24
  context-1m-2025-08-07 context-management-2025-06-27 dev-full-thinking-2025-05-14 dreaming-2026-04-21
  effort-2025-11-24 experimental-claude-tag-2026-10-21 extended-cache-ttl-2025-04-11
  fallback-credit-2026-06-01 fallback-credit-2026-07-01 fast-mode-2026-02-01 files-api-2025-04-14
  fine-grained-tool-streaming-2025-05-14 inline-tools-2026-09-15 interleaved-thinking-2025-05-14
  managed-agents-2026-04-01 mcp-client-2025-04-04 mcp-client-2025-11-20 mcp-client-2026-09-15
  mcp-tunnels-2026-06-22 message-batches-2024-09-24 message-threads-2026-08-12
  mid-conversation-output-config-2026-07-01 mid-conversation-system-clear-at-2026-08-21
  mid-conversation-tool-changes-2026-07-01 model-context-window-exceeded-2025-08-26 oauth-2025-04-20
  oidc-federation-2026-04-01 output-128k-2025-02-19 output-300k-2026-03-24 pdfs-2024-09-25
  prompt-caching-2024-07-31 server-side-fallback-2026-06-01 server-side-fallback-2026-07-01
  skills-2025-10-02 spend-limit-reads-2026-09-26 structured-outputs-2025-11-13 structured-outputs-2025-12-15
  task-budgets-2026-03-13 telemetry-destinations-2026-08-11 thinking-binding-controls-2026-08-01
  thinking-display-updates-2026-08-18 thinking-token-count-2026-05-13 token-counting-2024-11-01
  token-efficient-tools-2025-02-19 user-profiles-2026-03-24 user-profiles-2026-08-18
  user-profiles-2026-09-04 user-profiles-billing-2026-10-01 web-fetch-2025-09-10 webhooks-2026-10-07
`)

/** What `anthropic-version` may say. */
export const knownVersions = words('2023-01-01 2023-06-01 2026-10-21')

/** The `type` of everything a session's stream or list may carry. */
export const knownEventTypes = words(`
  agent.custom_tool_use agent.mcp_tool_result agent.mcp_tool_use agent.message agent.thinking
  agent.thread_context_compacted agent.thread_message_received agent.thread_message_sent agent.tool_result
  agent.tool_use event_delta event_start session.deleted session.error session.status_idle
  session.status_rescheduled session.status_running session.status_terminated session.thread_created
  session.thread_status_idle session.thread_status_rescheduled session.thread_status_running
  session.thread_status_terminated session.updated session.usage span.model_request_end
  span.model_request_start span.outcome_evaluation_end span.outcome_evaluation_ongoing
  span.outcome_evaluation_start system.message user.custom_tool_result user.define_outcome user.interrupt
  user.message user.tool_confirmation user.tool_result workflow_run.created workflow_run.error
  workflow_run.phase_ended workflow_run.phase_started workflow_run.status_ended workflow_run.status_idle
  workflow_run.status_running
`)

/** The members of all those events together. */
export const knownEventFields = words(`
  agent agent_name budget content custom_tool_use_id delta deny_message description error
  evaluated_permission evaluation event event_id explanation from_agent_name from_session_thread_id id
  input is_error iteration max_iterations mcp_server_name mcp_tool_use_id metadata model_request_start_id
  model_usage name outcome_evaluation_start_id outcome_id phase_started_id phases processed_at result
  rubric session_thread_id stop_details stop_reason title to_agent_name to_session_thread_id tool_use_id
  type usage workflow_run_id workflow_run_phase_id
`)

export const knownSessionFields = words(`
  agent archived_at budget created_at deployment_id environment_id id metadata outcome_evaluations
  resources stats status title type updated_at usage vault_ids
`)

export const knownThreadFields = words(`
  agent archived_at created_at id parent_thread_id session_id stats status type updated_at usage
  workflow_run_id
`)

/** The `status` of a session or a thread. */
export const knownStatuses = words('rescheduling running idle terminated')

/** `stop_reason.type` of an idle session or thread. */
export const knownStopReasons = words('budget_reached end_turn refusal requires_action retries_exhausted')
