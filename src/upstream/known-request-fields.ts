// The members that a request body may have at its top (SDK 1.12.0, the `…Params` of each method), for counting those it
// should not have. Nothing is decided by them. A test compares them with the SDK's own declarations.

const members: { readonly [operationId: string]: string } = {
  'agents.create':
    'model name description execution_identity mcp_servers metadata multiagent skills system tools',
  'agents.update':
    'description execution_identity mcp_servers metadata model multiagent name skills system tools version',
  'environments.create': 'name config description metadata scope',
  'environments.update': 'config description metadata name scope',
  'environments.work.update': 'metadata',
  'environments.work.stop': 'force',
  'sessions.create': 'agent environment_id budget initial_events metadata resources title vault_ids',
  'sessions.update': 'agent budget metadata title vault_ids',
  'sessions.events.send': 'events',
  'sessions.resources.add': 'file_id type mount_path',
  'sessions.resources.update': 'authorization_token',
  'deployments.create':
    'agent environment_id initial_events name budget description metadata resources schedule vault_ids',
  'deployments.update':
    'agent budget description environment_id initial_events metadata name resources schedule vault_ids',
  'dreams.create': 'inputs model instructions output_behavior',
  'vaults.create': 'display_name metadata',
  'vaults.update': 'display_name metadata',
  'vaults.credentials.create': 'auth display_name metadata',
  'vaults.credentials.update': 'auth display_name metadata',
  'memory_stores.create': 'name description metadata',
  'memory_stores.update': 'description metadata name',
  'memory_stores.memories.create': 'content path view',
  'memory_stores.memories.update': 'view content path precondition',
  'messages.create':
    'max_tokens messages model billing_policy cache_control compaction container context_management diagnostics fallback_credit_token fallbacks inference_geo mcp_servers metadata output_config output_format service_tier speed stop_sequences stream system thinking thread tool_choice tools user_profile_id',
  'messages.count_tokens':
    'messages model billing_policy cache_control compaction context_management mcp_servers output_config output_format speed system thinking tool_choice tools user_profile_id',
  'messages.batches.create': 'requests user_profile_id',
  'user_profiles.create':
    'access_type external_id external_user_details external_user_onboarded_at metadata name',
  'user_profiles.update':
    'access_type external_id external_user_details external_user_onboarded_at metadata name',
  'user_profiles.action_urls.create': 'action',
  'tunnels.create': 'display_name',
  'tunnels.certificates.create': 'ca_certificate_pem',
}

/** Operation id -> known members; operations without a JSON body are not in it. */
export const knownRequestFields: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(members).map(([id, names]) => [id, new Set(names.split(' '))]),
)
