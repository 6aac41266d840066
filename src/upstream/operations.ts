// The closed table of upstream operations. What is not in it is not forwarded.
// Names, methods and paths are the SDK's own (@anthropic-ai/sdk 1.12.0); a test compares them with its source.
import type { Operation } from './operation-type.ts'
import { agentOperations } from './operations/agents.ts'
import { deploymentOperations } from './operations/deployments.ts'
import { libraryOperations } from './operations/library.ts'
import { sessionOperations } from './operations/sessions.ts'
import { storeOperations } from './operations/stores.ts'

/** Every operation Tollgate routes. Method and pattern together are unique, and so is `id`. */
export const operations: readonly Operation[] = [
  ...agentOperations,
  ...sessionOperations,
  ...deploymentOperations,
  ...storeOperations,
  ...libraryOperations,
]

/** SDK operations that are refused on purpose, by id prefix, with the reason. */
export const leftOut: Readonly<Record<string, string>> = {
  'organization.': 'administration of the whole organisation does not belong behind a key that agents hold',
  'tunnels.reveal_token': 'answers a secret in the clear',
  'tunnels.rotate_token': 'answers a secret in the clear',
}
