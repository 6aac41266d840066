// POST /v1/oauth/token: an identity token (or a refresh token) in, a short-lived access token out, which every
// route that takes an API key takes too.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { betasOf } from '../http/known-betas.ts'
import { type ApiReply, type ApiRequest, json, type Route } from '../http/router.ts'
import { newSecretBytes } from '../ids.ts'
import type { World } from '../world.ts'
import { readAssertion, type TrustedIssuer } from './assertion.ts'
import { GrantError } from './grant-error.ts'

export type FederationOptions = {
  /** Whose identity tokens are taken. Default: anybody's, signature unchecked, form and times checked. */
  readonly issuers?: readonly TrustedIssuer[]
  /** The federation rules that exist. Default: every one. */
  readonly ruleIds?: readonly string[]
  /** The refresh tokens that are taken (by `grant_type=refresh_token`). Default none. */
  readonly refreshTokens?: readonly string[]
  /** How long an access token is good for. Default 3,600. */
  readonly tokenTtlSeconds?: number
}

/** The betas of each grant (SDK 1.12.0 lib/credentials/types). */
const oauthBeta = 'oauth-2025-04-20'
const federationBeta = 'oidc-federation-2026-04-01'

const text = z.string().min(1)
const grantParams = z.discriminatedUnion('grant_type', [
  z.object({
    grant_type: z.literal('urn:ietf:params:oauth:grant-type:jwt-bearer'),
    assertion: text,
    federation_rule_id: text,
    organization_id: text,
    service_account_id: text.optional(),
    workspace_id: text.optional(),
  }),
  z.object({ grant_type: z.literal('refresh_token'), refresh_token: text, client_id: text }),
])
type Grant = z.infer<typeof grantParams>

function readGrant(body: unknown): Grant {
  const parsed = grantParams.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'body'
  if (field === 'grant_type') {
    throw new GrantError(400, 'unsupported_grant_type', 'grant_type: must be jwt-bearer or refresh_token')
  }
  throw new GrantError(400, 'invalid_request', `${field}: ${issue?.message ?? 'invalid'}`)
}

function checkGrantBetas(grant: Grant, request: ApiRequest): void {
  const betas = betasOf(request.headers)
  const isRefresh = grant.grant_type === 'refresh_token'
  if (!betas.includes(oauthBeta) || betas.includes(federationBeta) === isRefresh) {
    const needed = isRefresh ? `only \`${oauthBeta}\`` : `\`${oauthBeta},${federationBeta}\``
    throw new GrantError(400, 'invalid_request', `anthropic-beta: this grant needs ${needed}`)
  }
}

/** The service account a rule maps a workload to when the grant names none: always the same one. */
const serviceAccountOf = (workload: string): string =>
  `svac_011C${createHash('sha256').update(workload).digest('hex').slice(0, 20)}`

/** The service account or client the grant speaks for. Throws a `GrantError` when it is not believed. */
function subjectOf(grant: Grant, options: FederationOptions, nowMs: number): string {
  if (grant.grant_type === 'refresh_token') {
    if (options.refreshTokens?.includes(grant.refresh_token)) return grant.client_id
    throw new GrantError(401, 'invalid_grant', 'the refresh token is unknown')
  }
  if (options.ruleIds !== undefined && !options.ruleIds.includes(grant.federation_rule_id)) {
    throw new GrantError(401, 'invalid_grant', 'the assertion matches no federation rule')
  }
  const workload = readAssertion(grant.assertion, options.issuers, nowMs)
  return grant.service_account_id ?? serviceAccountOf(workload)
}

function issueToken({ clock, credentials }: World, request: ApiRequest, options: FederationOptions) {
  const { tokenTtlSeconds = 3600 } = options
  const grant = readGrant(request.body)
  checkGrantBetas(grant, request)
  const subject = subjectOf(grant, options, clock.nowMs())
  const token = `sk-ant-oat01-${newSecretBytes('oauth-token', 32).toString('base64url')}`
  credentials.add(token, { kind: 'access_token', subject }, clock.nowMs() + tokenTtlSeconds * 1000)
  return { access_token: token, token_type: 'Bearer', expires_in: tokenTtlSeconds }
}

/** The token endpoint over `world`. */
export function tokenRoutes(world: World, options: FederationOptions = {}): readonly Route[] {
  const run = (request: ApiRequest): ApiReply => {
    try {
      return json(issueToken(world, request, options))
    } catch (error) {
      if (!(error instanceof GrantError)) throw error
      const body = { error: error.code, error_description: error.message }
      return { kind: 'json', status: error.status, body }
    }
  }
  return [{ method: 'POST', pattern: '/v1/oauth/token', access: 'open', run }]
}
