// What a route demands of a request before it runs: whose credential, and which beta.

import type { IncomingHttpHeaders } from 'node:http'
import { invalidRequest, notFound, unauthenticated } from './api-error.ts'
import { checkVersion } from './api-version.ts'
import type { Identity } from './credentials.ts'
import { betasOf, checkBetas } from './known-betas.ts'

type Rule = {
  /** The credentials that open it; none for paths that ask for no key. */
  readonly identities: readonly Identity['kind'][]
  /** Without it the path answers as if it did not exist. */
  readonly beta?: string
  /** Opens it in place of `beta`. The two together are refused. */
  readonly betaInstead?: string
}

const managedAgents = 'managed-agents-2026-04-01'
const oauth = 'oauth-2025-04-20'
/** Either, as every method of SDK 1.12.0 resources/beta/memory-stores says. */
const memoryBetas = { beta: 'agent-memory-2026-07-22', betaInstead: managedAgents }
const keys = ['api_key', 'access_token'] as const
const workers = ['environment_key', 'session_token'] as const

/** One rule for each family of paths (SDK 1.12.0: the beta that each resource's methods add). */
const rules = {
  /** The simulator's own paths, and the token endpoint. */
  open: { identities: [] },
  'key-only': { identities: keys },
  'managed-agents': { identities: keys, beta: managedAgents },
  'environment-work': { identities: ['environment_key'], beta: managedAgents },
  'work-lease': { identities: workers, beta: managedAgents },
  'work-operation': { identities: [...keys, ...workers], beta: managedAgents },
  'session-worker': { identities: [...keys, ...workers], beta: managedAgents },
  'skill-worker': { identities: [...keys, ...workers] },
  /** Memories take a work item's token and refuse the environment key (SDK 1.12.0 lib/environments/worker). */
  'memory-worker': { identities: [...keys, 'session_token'], ...memoryBetas },
  'agent-memory': { identities: keys, ...memoryBetas },
  dreaming: { identities: keys, beta: 'dreaming-2026-04-21' },
  tunnels: { identities: keys, beta: 'mcp-tunnels-2026-06-22' },
  'organization-webhooks': { identities: ['admin_key'], beta: 'webhooks-2026-10-07' },
  analytics: { identities: ['admin_key'], beta: 'analytics-usage-cost-2026-08-24' },
} satisfies Readonly<Record<string, Rule>>

export type RouteAccess = keyof typeof rules

/** A 401 in the upstream's words for the header that came, or did not. */
export function refuseCredential(headers: IncomingHttpHeaders) {
  if (headers['x-api-key'] !== undefined) return unauthenticated('invalid x-api-key')
  if (headers.authorization !== undefined) return unauthenticated('Invalid bearer token')
  return unauthenticated('x-api-key header is required')
}

/**
 * Lets the request in or throws: 401 without a credential the family takes, 400 without a version or with an unknown
 * beta or two that exclude each other, 404 without its own beta.
 */
export function checkAccess(
  access: RouteAccess,
  identity: Identity | null,
  headers: IncomingHttpHeaders,
): void {
  const rule: Rule = rules[access]
  if (rule.identities.length > 0 && (identity === null || !rule.identities.includes(identity.kind))) {
    throw refuseCredential(headers)
  }
  if (rule.identities.length === 0) return
  checkVersion(headers)
  checkBetas(headers)
  const betas = betasOf(headers)
  const hasBeta = rule.beta === undefined || betas.includes(rule.beta)
  const hasInstead = rule.betaInstead !== undefined && betas.includes(rule.betaInstead)
  if (hasBeta && hasInstead) {
    throw invalidRequest(`anthropic-beta: send \`${rule.beta}\` or \`${rule.betaInstead}\`, not both`)
  }
  // The SDK adds this beta itself whenever it authenticates with a token it got from the token endpoint.
  if (identity?.kind === 'access_token' && !betas.includes(oauth)) {
    throw unauthenticated('OAuth authentication is currently not supported.')
  }
  if (!hasBeta && !hasInstead) {
    throw notFound(`Not Found: this path needs beta ${rule.beta}`)
  }
}
