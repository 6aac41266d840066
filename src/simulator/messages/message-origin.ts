// Whom a message is booked on: the API key and the user profile that a request names.

import { invalidRequest } from '../http/api-error.ts'
import type { Identity } from '../http/credentials.ts'
import type { ApiRequest } from '../http/router.ts'
import type { MessageOrigin } from './message-engine.ts'

/** The id of an API key, by its place in the simulator's `apiKeys`. */
export const apiKeyId = (index: number): string => `apikey_011CSimulatorKey${String(index).padStart(9, '0')}`

const keyOf = (identity: Identity | null): string | null =>
  identity?.kind === 'api_key' ? apiKeyId(identity.index) : null

/** The origin of a request. `userProfileId` is what its body names; throws a 400 when the header names another. */
export function readOrigin(
  product: MessageOrigin['product'],
  { headers, identity }: Pick<ApiRequest, 'headers' | 'identity'>,
  userProfileId?: string | null,
): MessageOrigin {
  const header = headers['anthropic-user-profile-id']
  const fromHeader = typeof header === 'string' && header !== '' ? header : null
  if (fromHeader !== null && userProfileId && userProfileId !== fromHeader) {
    throw invalidRequest('user_profile_id: conflicts with the `anthropic-user-profile-id` header')
  }
  return { product, apiKeyId: keyOf(identity), userProfileId: userProfileId ?? fromHeader }
}
