// Who changed a memory, as its versions record it (SDK 1.12.0 BetaManagedAgentsActor).

import type { Identity } from '../http/credentials.ts'
import { apiKeyId } from '../messages/message-origin.ts'

export type Actor =
  | { readonly type: 'session_actor'; readonly session_id: string }
  | { readonly type: 'api_actor'; readonly api_key_id: string }
  | { readonly type: 'user_actor'; readonly user_id: string }
  | { readonly type: 'service_account_actor'; readonly service_account_id: string }

/** The actor behind a request. Throws when its credential is none that memories are open to. */
export function actorOf(identity: Identity | null): Actor {
  switch (identity?.kind) {
    case 'api_key':
      return { type: 'api_actor', api_key_id: apiKeyId(identity.index) }
    case 'access_token':
      return { type: 'service_account_actor', service_account_id: identity.subject }
    case 'session_token':
      return { type: 'session_actor', session_id: identity.sessionId }
    default:
      throw new Error(`memories are not open to ${identity?.kind ?? 'requests without a credential'}`)
  }
}

/** Whether a version was written by the actor that a list asks for. Each filter names another kind of actor. */
export function isBy(actor: Actor, query: URLSearchParams): boolean {
  const asked = { api_key_id: '', session_id: '', service_account_id: '', ...actor }
  return (['api_key_id', 'session_id', 'service_account_id'] as const).every((name) => {
    const wanted = query.get(name)
    return wanted === null || asked[name] === wanted
  })
}
