// What a route demands of a request before it runs: whose credential, and which beta.

import type { IncomingHttpHeaders } from 'node:http'
import { invalidRequest, notFound, unauthenticated } from './api-error.ts'
import type { Identity } from './credentials.ts'

type Rule = {
  /** The credentials that open it; none for paths that ask for no key. */
  readonly identities: readonly Identity['kind'][]
  /** Without it the path answers as if it did not exist. */
  readonly beta?: string
  /** Betas that may not come with it. */
  readonly betasRefused?: readonly string[]
}

const managedAgents = 'managed-agents-2026-04-01'
const keys = ['api_key', 'access_token'] as const

/** One rule for each family of paths (SDK 1.12.0: the beta that each resource's methods add). */
const rules = {
  /** The simulator's own paths, and the token endpoint. */
  open: { identities: [] },
  'key-only': { identities: keys },
  'managed-agents': { identities: keys, beta: managedAgents },
  'environment-work': { identities: ['environment_key'], beta: managedAgents },
  'agent-memory': { identities: keys, beta: 'agent-memory-2026-07-22', betasRefused: [managedAgents] },
  dreaming: { identities: keys, beta: 'dreaming-2026-04-21' },
  'user-profiles': { identities: keys, beta: 'user-profiles-2026-08-18' },
  analytics: { identities: ['admin_key'], beta: 'analytics-usage-cost-2026-08-24' },
} satisfies Readonly<Record<string, Rule>>

export type RouteAccess = keyof typeof rules

/** Lets the request in or throws: 401 without a credential the family takes, 404 without its beta, 400 with a foreign one. */
export function checkAccess(
  access: RouteAccess,
  identity: Identity | null,
  headers: IncomingHttpHeaders,
): void {
  const rule: Rule = rules[access]
  if (rule.identities.length > 0 && (identity === null || !rule.identities.includes(identity.kind))) {
    throw unauthenticated('invalid x-api-key or bearer token')
  }
  const betas = String(headers['anthropic-beta'] ?? '')
    .split(',')
    .map((beta) => beta.trim())
  const foreign = rule.betasRefused?.find((beta) => betas.includes(beta))
  if (foreign !== undefined) throw invalidRequest(`anthropic-beta: \`${foreign}\` cannot be used here`)
  if (rule.beta !== undefined && !betas.includes(rule.beta)) {
    throw notFound(`Not Found: this path needs beta ${rule.beta}`)
  }
}
