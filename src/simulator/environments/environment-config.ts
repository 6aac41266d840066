// What an environment is configured with: a cloud container with its network and packages, or a place of the
// customer's own. Reads both shapes of request and keeps what an update leaves out.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'

const packageManagers = ['apt', 'cargo', 'gem', 'go', 'npm', 'pip'] as const
type PackageManager = (typeof packageManagers)[number]

type Unrestricted = { readonly type: 'unrestricted' }
type Limited = {
  readonly type: 'limited'
  readonly allowed_hosts: readonly string[]
  readonly allow_mcp_servers: boolean
  readonly allow_package_managers: boolean
}
type Packages = { readonly type: 'packages' } & Readonly<Record<PackageManager, readonly string[]>>

/** The configuration as the API shows it, every field filled in. */
export type EnvironmentConfig =
  | { readonly type: 'self_hosted' }
  | { readonly type: 'cloud'; readonly networking: Unrestricted | Limited; readonly packages: Packages }

// A domain, or `*.` and a domain. Schemes, paths and ports are what people paste by mistake.
const host = z
  .string()
  .regex(/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, 'must be a domain, without scheme, port or path')
const names = z.array(z.string().min(1)).nullish()

const networkingParams = z.discriminatedUnion('type', [
  z.object({ type: z.literal('unrestricted') }),
  z.object({
    type: z.literal('limited'),
    allowed_hosts: z.array(host).nullish(),
    allow_mcp_servers: z.boolean().nullish(),
    allow_package_managers: z.boolean().nullish(),
  }),
])
const packagesParams = z.object({
  type: z.literal('packages').optional(),
  apt: names,
  cargo: names,
  gem: names,
  go: names,
  npm: names,
  pip: names,
})

/** The `config` of a create or an update. */
export const configParams = z.discriminatedUnion('type', [
  z.object({ type: z.literal('self_hosted') }),
  z.object({
    type: z.literal('cloud'),
    networking: networkingParams.nullish(),
    packages: packagesParams.nullish(),
  }),
])
export type ConfigParams = z.infer<typeof configParams>

const unrestricted: Unrestricted = { type: 'unrestricted' }
const noPackages: Packages = { type: 'packages', apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] }

function resolveNetworking(
  params: z.infer<typeof networkingParams>,
  previous: Unrestricted | Limited,
): Unrestricted | Limited {
  if (params.type === 'unrestricted') return unrestricted
  const kept = previous.type === 'limited' ? previous : undefined
  // Left out keeps what was there; null goes back to the default.
  const pick = <T>(given: T | null | undefined, before: T | undefined, fallback: T): T =>
    given === undefined ? (before ?? fallback) : (given ?? fallback)
  return {
    type: 'limited',
    allowed_hosts: pick(params.allowed_hosts, kept?.allowed_hosts, []),
    allow_mcp_servers: pick(params.allow_mcp_servers, kept?.allow_mcp_servers, false),
    allow_package_managers: pick(params.allow_package_managers, kept?.allow_package_managers, false),
  }
}

const resolvePackages = (params: z.infer<typeof packagesParams>): Packages => ({
  type: 'packages',
  apt: params.apt ?? [],
  cargo: params.cargo ?? [],
  gem: params.gem ?? [],
  go: params.go ?? [],
  npm: params.npm ?? [],
  pip: params.pip ?? [],
})

/**
 * The whole configuration: an open network and no packages unless said, or unless `previous` said so. Throws a
 * 400 when the type would change, or when packages are named that the network would keep out.
 */
export function resolveEnvironmentConfig(
  params: ConfigParams,
  previous?: EnvironmentConfig,
): EnvironmentConfig {
  if (previous !== undefined && previous.type !== params.type) {
    throw invalidRequest(
      `config.type: cannot be changed from \`${previous.type}\``,
      'invalid_config_type_change',
    )
  }
  if (params.type === 'self_hosted') return { type: 'self_hosted' }
  const before = previous?.type === 'cloud' ? previous : undefined
  const networking =
    params.networking === undefined
      ? (before?.networking ?? unrestricted)
      : resolveNetworking(params.networking ?? unrestricted, before?.networking ?? unrestricted)
  const packages =
    params.packages === undefined ? (before?.packages ?? noPackages) : resolvePackages(params.packages ?? {})
  const isAny = packageManagers.some((manager) => packages[manager].length > 0)
  if (isAny && networking.type === 'limited' && !networking.allow_package_managers) {
    throw invalidRequest(
      'config.packages: a limited network must set `networking.allow_package_managers` to true',
    )
  }
  return { type: 'cloud', networking, packages }
}
