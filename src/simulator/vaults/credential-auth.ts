// The three kinds of authentication a credential can hold, and what may be changed of each
// (SDK 1.12.0 resources/beta/vaults/credentials). What comes in carries secrets; what is kept and shown does not.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { timestamp } from '../sessions/live-session.ts'

const secret = z.string().min(1)
const expiry = z.iso.datetime({ offset: true }).nullish()
const httpUrl = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http(s) URL')

const hostname = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i
const networkingParams = z.discriminatedUnion('type', [
  z.object({ type: z.literal('unrestricted') }),
  z.object({
    type: z.literal('limited'),
    allowed_hosts: z
      .array(z.string().regex(hostname, 'must be a bare hostname, an IPv4 address or a `*.` wildcard'))
      .min(1)
      .max(16),
  }),
])
const injectionParams = z.object({ body: z.boolean().optional(), header: z.boolean().optional() })
const clientSecretType = z.enum(['client_secret_basic', 'client_secret_post'])

const createParams = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('mcp_oauth'),
    access_token: secret,
    mcp_server_url: httpUrl,
    expires_at: expiry,
    refresh: z
      .object({
        client_id: z.string().min(1),
        refresh_token: secret,
        token_endpoint: httpUrl,
        token_endpoint_auth: z.discriminatedUnion('type', [
          z.object({ type: z.literal('none') }),
          z.object({ type: clientSecretType, client_secret: secret }),
        ]),
        resource: z.string().nullish(),
        scope: z.string().nullish(),
      })
      .nullish(),
  }),
  z.object({ type: z.literal('static_bearer'), token: secret, mcp_server_url: httpUrl }),
  z.object({
    type: z.literal('environment_variable'),
    secret_name: z
      .string()
      .max(255)
      .regex(/^[A-Za-z_]\w*$/, 'must be the name of an environment variable'),
    secret_value: secret,
    networking: networkingParams,
    injection_location: injectionParams.optional(),
  }),
])

// Strict, so that what cannot be changed is refused by name and not silently kept.
const updateParams = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('mcp_oauth'),
    access_token: secret.nullish(),
    expires_at: expiry,
    refresh: z
      .strictObject({
        refresh_token: secret.nullish(),
        scope: z.string().nullish(),
        token_endpoint_auth: z.object({ type: clientSecretType, client_secret: secret.nullish() }).optional(),
      })
      .nullish(),
  }),
  z.strictObject({ type: z.literal('static_bearer'), token: secret.nullish() }),
  z.strictObject({
    type: z.literal('environment_variable'),
    secret_value: secret.nullish(),
    networking: networkingParams.nullish(),
    injection_location: injectionParams.optional(),
  }),
])

/** The `auth` of a create and of an update, secrets and all. */
export const authParams = { create: createParams, update: updateParams }

type Networking = z.infer<typeof networkingParams>
type OAuth = {
  readonly type: 'mcp_oauth'
  readonly mcp_server_url: string
  readonly expires_at: string | null
  readonly refresh: {
    readonly client_id: string
    readonly token_endpoint: string
    readonly token_endpoint_auth: { readonly type: 'none' | z.infer<typeof clientSecretType> }
    readonly resource: string | null
    readonly scope: string | null
  } | null
}
type EnvironmentVariable = {
  readonly type: 'environment_variable'
  readonly secret_name: string
  readonly networking: Networking
  readonly injection_location: { readonly body: boolean; readonly header: boolean }
}

/** An `auth` as it is kept and shown. */
export type CredentialAuth =
  | OAuth
  | { readonly type: 'static_bearer'; readonly mcp_server_url: string }
  | EnvironmentVariable

function readExpiry(text: string, nowMs: number): string {
  const atMs = Date.parse(text)
  if (atMs <= nowMs) throw invalidRequest('auth.expires_at: must be in the future')
  return timestamp(atMs)
}

function checkInjection(location: EnvironmentVariable['injection_location']) {
  if (location.body || location.header) return location
  throw invalidRequest('auth.injection_location: at least one of `header` and `body` must be true')
}

/** The auth of a new credential, its secrets forgotten. Throws a 400 for an expiry that is past. */
export function makeAuth(params: z.infer<typeof createParams>, nowMs: number): CredentialAuth {
  if (params.type === 'static_bearer') return { type: params.type, mcp_server_url: params.mcp_server_url }
  if (params.type === 'environment_variable') {
    const { body = false, header = false } = params.injection_location ?? { body: true, header: true }
    return {
      type: params.type,
      secret_name: params.secret_name,
      networking: params.networking,
      injection_location: checkInjection({ body, header }),
    }
  }
  const { refresh } = params
  return {
    type: params.type,
    mcp_server_url: params.mcp_server_url,
    expires_at: params.expires_at ? readExpiry(params.expires_at, nowMs) : null,
    refresh: refresh
      ? {
          client_id: refresh.client_id,
          token_endpoint: refresh.token_endpoint,
          token_endpoint_auth: { type: refresh.token_endpoint_auth.type },
          resource: refresh.resource ?? null,
          scope: refresh.scope ?? null,
        }
      : null,
  }
}

/** The auth after an update; absent fields stay. Throws a 400 for another type or for what cannot be changed. */
export function changeAuth(
  current: CredentialAuth,
  params: z.infer<typeof updateParams>,
  nowMs: number,
): CredentialAuth {
  if (current.type === 'mcp_oauth' && params.type === 'mcp_oauth') {
    return {
      ...current,
      expires_at:
        params.expires_at === undefined
          ? current.expires_at
          : params.expires_at && readExpiry(params.expires_at, nowMs),
      refresh: params.refresh ? changeRefresh(current.refresh, params.refresh) : current.refresh,
    }
  }
  if (current.type === 'static_bearer' && params.type === 'static_bearer') return current
  if (current.type === 'environment_variable' && params.type === 'environment_variable') {
    const { body, header } = current.injection_location
    return {
      ...current,
      networking: params.networking ?? current.networking,
      injection_location: checkInjection({
        body: params.injection_location?.body ?? body,
        header: params.injection_location?.header ?? header,
      }),
    }
  }
  throw invalidRequest(`auth.type: is \`${current.type}\` and cannot be changed`)
}

type RefreshPatch = NonNullable<Extract<z.infer<typeof updateParams>, { type: 'mcp_oauth' }>['refresh']>

function changeRefresh(current: OAuth['refresh'], patch: RefreshPatch): OAuth['refresh'] {
  if (current === null) throw invalidRequest('auth.refresh: the credential was made without one')
  if (patch.token_endpoint_auth !== undefined && current.token_endpoint_auth.type === 'none') {
    throw invalidRequest('auth.refresh.token_endpoint_auth: the credential uses none')
  }
  // The kind of client authentication stays, even when the other one comes with the new secret.
  return { ...current, scope: (patch.scope ?? current.scope) || null }
}
