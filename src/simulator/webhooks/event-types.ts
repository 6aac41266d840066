// What webhooks tell of, and what each kind of event carries besides its id (SDK 1.12.0 resources/beta/webhooks
// `BetaWebhookEventData`). An event points at what happened; it never carries state.

import { identityHeaders } from '../http/server.ts'
import type { JsonObject } from '../json.ts'
import type { Announcement } from '../world.ts'

const organizationId = identityHeaders['anthropic-organization-id']
const workspaceId = identityHeaders['anthropic-workspace-id']

/** The events of the organization: they name no workspace, and the endpoints of the API get only these. */
export const organizationEvents = [
  'external_key.failed',
  'external_key.recovered',
  'user_profile.enforcement_action_opened',
  'user_profile.enforcement_action_resolved',
  'user_profile.program_status_updated',
] as const

const ofOrganization: ReadonlySet<string> = new Set(organizationEvents)

/** Every other event type there is, by what it happened to. */
const workspaceEvents: Readonly<Record<string, readonly string[]>> = {
  agent: ['created', 'updated', 'archived', 'deleted'],
  deployment: ['created', 'updated', 'paused', 'unpaused', 'archived', 'deleted'],
  deployment_run: ['started', 'succeeded', 'failed'],
  environment: ['created', 'updated', 'archived', 'deleted'],
  memory_store: ['created', 'archived', 'deleted'],
  session: [
    ...['created', 'pending', 'running', 'idled', 'requires_action', 'archived', 'deleted', 'updated'],
    ...['status_rescheduled', 'status_run_started', 'status_idled', 'status_terminated', 'budget_reached'],
    ...['thread_created', 'thread_idled', 'thread_terminated', 'outcome_evaluation_ended'],
  ],
  vault: ['created', 'archived', 'deleted'],
  vault_credential: ['created', 'archived', 'deleted', 'refresh_failed'],
}

/** Every event type of the SDK's union. */
export const eventTypes: readonly string[] = [
  ...organizationEvents,
  ...Object.entries(workspaceEvents).flatMap(([what, names]) => names.map((name) => `${what}.${name}`)),
]

/** The id that an event needs besides its own, by its type; undefined for most. */
export function companionId(type: string): string | undefined {
  if (type.startsWith('session.thread_')) return 'session_thread_id'
  if (type.startsWith('vault_credential.')) return 'vault_id'
  return type.startsWith('user_profile.enforcement_action_') ? 'enforcement_action_id' : undefined
}

/** The `data` of an event. A type the SDK does not know goes out too, as one of the workspace. */
export function eventData({ type, data }: Announcement): JsonObject {
  return {
    ...data,
    type,
    organization_id: organizationId,
    ...(ofOrganization.has(type) ? {} : { workspace_id: workspaceId }),
  }
}
