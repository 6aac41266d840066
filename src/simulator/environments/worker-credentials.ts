// What a worker is let in with: the environment key, which an operator makes once, and the session token of one
// work item, which the poll that claims the item hands over in its `secret`.

import { permissionDenied } from '../http/api-error.ts'
import type { CredentialBook, Identity } from '../http/credentials.ts'
import { json, type Route } from '../http/router.ts'
import { newSecretBytes } from '../ids.ts'
import { findEnvironment, type World } from '../world.ts'
import { addEnvironment } from './environments.ts'
import type { WorkItem } from './work-item.ts'

/** A self-hosted environment that is there from the start, with a key that is known beforehand. */
export type SelfHostedSeat = {
  readonly environmentId: string
  readonly environmentKey: string
  /** Default `self-hosted`. */
  readonly name?: string
}

const newBearer = (prefix: string): string => `${prefix}-${newSecretBytes(prefix, 32).toString('base64url')}`

/** Makes the environments of the seats, and takes their keys. */
export function takeSeats(world: World, seats: readonly SelfHostedSeat[]): void {
  for (const { environmentId, environmentKey, name = 'self-hosted' } of seats) {
    const fields = { name, description: null, metadata: {} }
    addEnvironment(world, { ...fields, id: environmentId, config: { type: 'self_hosted' } })
    world.credentials.add(environmentKey, { kind: 'environment_key', environmentId })
  }
}

/** Makes a key for an environment, good until the simulator ends. */
export function issueEnvironmentKey(credentials: CredentialBook, environmentId: string): string {
  const key = newBearer('sk-ant-env01')
  credentials.add(key, { kind: 'environment_key', environmentId })
  return key
}

/**
 * Makes the session token of an item and wraps it as `BetaWorkSecret` (SDK 1.12.0 resources/beta/environments/work):
 * base64url over JSON. `baseUrl` is where the worker's calls for the item are to go.
 */
export function issueSecret(
  credentials: CredentialBook,
  { id: workId, environmentId, sessionId }: WorkItem,
  baseUrl: string | undefined,
): string {
  const sessionsToken = newBearer('sk-ant-req')
  credentials.add(sessionsToken, { kind: 'session_token', environmentId, sessionId, workId })
  const secret = {
    sessions_token: sessionsToken,
    ...(baseUrl === undefined ? {} : { api_base_url: baseUrl }),
  }
  return Buffer.from(JSON.stringify(secret)).toString('base64url')
}

/** Throws a 403 when a worker's credential is for another environment, or for another item than `workId`. */
export function checkWorkScope(identity: Identity | null, environmentId: string, workId?: string): void {
  if (identity === null || !('environmentId' in identity)) return
  if (identity.environmentId !== environmentId) {
    throw permissionDenied('this credential is for another environment')
  }
  if (identity.kind === 'session_token' && workId !== undefined && identity.workId !== workId) {
    throw permissionDenied('this session token is for another work item')
  }
}

/** `POST /simulator/environments/:id/keys`: what upstream only the Console can do. Answers `{environment_key}`. */
export function environmentKeyRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      pattern: '/simulator/environments/:id/keys',
      access: 'open',
      run: (request) => {
        const { item } = findEnvironment(world, request.param('id'))
        return json({
          environment_id: item.id,
          environment_key: issueEnvironmentKey(world.credentials, item.id),
        })
      },
    },
  ]
}
