// Errors in the middle of a session (SDK 1.12.0 `BetaManagedAgentsSessionErrorEvent`): what they say, and whether
// the server tries again, the turn is dead, or the session is.

import { z } from 'zod'
import type { JsonObject } from '../json.ts'
import type { LiveSession, LiveThread } from '../sessions/live-session.ts'
import type { Step } from './scenario.ts'

/** What an error does to the turn it happens in. */
export type Consequence = 'retrying' | 'exhausted' | 'terminal'

const messages: ReadonlyMap<string, string> = new Map([
  ['billing_error', 'The organization is out of credits.'],
  ['compaction_limit_reached_error', 'The context was compacted too often in a row.'],
  ['credential_host_unreachable_error', 'A credential allows a host that the environment does not.'],
  ['mcp_authentication_failed_error', 'The MCP server refused the credentials.'],
  ['mcp_connection_failed_error', 'The MCP server could not be reached.'],
  ['model_overloaded_error', 'The model is currently overloaded.'],
  ['model_rate_limited_error', 'The model request was rate-limited.'],
  ['model_request_failed_error', 'The model request failed.'],
  ['tool_use_limit_reached_error', 'The agent used tools too many rounds in a row.'],
])
const error = z.looseObject({
  type: z.string().default('unknown_error'),
  retry_status: z.looseObject({ type: z.string() }).optional(),
})

const readConsequence = (status: string): Consequence =>
  status === 'exhausted' || status === 'terminal' ? status : 'retrying'

/** Emits a `session.error` with everything its type requires, and says what follows from it. */
export function emitFailure(session: LiveSession, thread: LiveThread, step: Step): Consequence {
  const given = error.parse(step.fields['error'] ?? {})
  // A repository that cannot be cloned never stops a session.
  const isRepository = given.type.startsWith('repository_')
  const status = isRepository ? 'retrying' : (given.retry_status?.type ?? 'retrying')
  const named: JsonObject = {
    ...(isRepository ? { repository_url: null } : {}),
    ...(given.type.startsWith('mcp_') ? { mcp_server_name: 'unknown' } : {}),
    ...(given.type === 'credential_host_unreachable_error'
      ? { credential_id: 'vcrd_unknown', vault_id: 'vlt_unknown' }
      : {}),
  }
  session.emit(thread, step.type, {
    ...step.fields,
    error: {
      message: messages.get(given.type) ?? 'Something went wrong.',
      ...named,
      ...given,
      retry_status: { type: status },
    },
  })
  return readConsequence(status)
}
