// Whom the gateway forwards to, out of the settings: the simulator, one account of the provider, or several.
import { isCertificate, readSecret } from './config-secret.ts'
import {
  type Environment,
  isLoopback,
  type Notes,
  present,
  type ReadNamed,
  type Settings,
} from './config-settings.ts'
import { Secret } from './kernel/secret.ts'

/** One account of the provider, or another address that speaks its API. */
export type HttpUpstream = {
  /** Scheme, host and port, no path and no trailing slash. */
  readonly url: string
  readonly key: Secret
  /** Certificates to trust instead of the system's, PEM; null for the system's. */
  readonly caPem: string | null
}

/** Who answers behind the gateway: our simulator, the provider, or several accounts, of which the first is the default. */
export type UpstreamConfig =
  | { readonly kind: 'simulator' }
  | ({ readonly kind: 'http' } & HttpUpstream)
  | { readonly kind: 'several'; readonly upstreams: readonly NamedUpstream[] }

export type NamedUpstream = HttpUpstream & { readonly name: string }

/** Reads the accounts with their keys and certificates; what is wrong with them is noted. */
export function readUpstream(
  env: Environment,
  settings: Settings,
  read: ReadNamed,
  notes: Notes,
): UpstreamConfig {
  if (settings.upstreams !== undefined) {
    return { kind: 'several', upstreams: readSeveral(env, settings, settings.upstreams, read, notes) }
  }
  const key = readSecret(
    env,
    'ANTHROPIC_API_KEY',
    'TOLLGATE_UPSTREAM_KEY_FILE',
    settings.upstream_key_file,
    read,
    notes,
  )
  if (key === undefined) {
    // With an address or a key file named, the simulator would be a surprise, not a default.
    if (settings.upstream_url !== undefined && settings.upstream_key_file === undefined) {
      notes.problems.push(
        'TOLLGATE_UPSTREAM_URL: needs a key; set ANTHROPIC_API_KEY or TOLLGATE_UPSTREAM_KEY_FILE, or unset it to use the simulator',
      )
    }
    return { kind: 'simulator' }
  }
  const url = settings.upstream_url ?? 'https://api.anthropic.com'
  checkNotOurs('ANTHROPIC_API_KEY', key, 'TOLLGATE_UPSTREAM_URL', url, settings, notes)
  const caPem = readAuthority('TOLLGATE_UPSTREAM_CA_FILE', settings.upstream_ca_file, read, notes)
  return { kind: 'http', url, key: new Secret(key), caPem }
}

function readSeveral(
  env: Environment,
  settings: Settings,
  upstreams: NonNullable<Settings['upstreams']>,
  read: ReadNamed,
  notes: Notes,
): readonly NamedUpstream[] {
  const { upstream_url, upstream_key_file, upstream_ca_file } = settings
  if ([upstream_url, upstream_key_file, upstream_ca_file].some((value) => value !== undefined)) {
    notes.problems.push(
      'upstreams: stand beside TOLLGATE_UPSTREAM_URL, _KEY_FILE or _CA_FILE; say it in one of the two ways',
    )
  }
  const { ANTHROPIC_API_KEY } = env
  if (present(ANTHROPIC_API_KEY) !== undefined) {
    notes.warnings.push('ANTHROPIC_API_KEY: has no effect, each of the `upstreams` has a key file of its own')
  }
  const seen = new Set<string>()
  return upstreams.map(({ name, url, key_file, ca_file }) => {
    const label = `upstreams.${name}`
    if (seen.has(name)) notes.problems.push(`${label}: is named twice`)
    seen.add(name)
    const key = readSecret({}, '', `${label}.key_file`, key_file, read, notes) ?? ''
    checkNotOurs(`${label}.key_file`, key, `${label}.url`, url, settings, notes)
    return {
      name,
      url,
      key: new Secret(key),
      caPem: readAuthority(`${label}.ca_file`, ca_file, read, notes),
    }
  })
}

/** The key of the organisation's own endpoints; undefined settings give null. It may not be the key that callers' requests carry. */
export function readProviderAdminKey(
  env: Environment,
  settings: Settings,
  read: ReadNamed,
  notes: Notes,
): Secret | null {
  const [variable, file] = ['ANTHROPIC_ADMIN_KEY', 'TOLLGATE_PROVIDER_ADMIN_KEY_FILE']
  const key = readSecret(env, variable, file, settings.provider_admin_key_file, read, notes)
  if (key === undefined) return null
  if (key.startsWith('tg_'))
    notes.problems.push(`${file}: holds a Tollgate key; it takes the provider's admin key`)
  return new Secret(key)
}

function checkNotOurs(
  keyLabel: string,
  key: string,
  urlLabel: string,
  url: string,
  { listen: { host, port } }: Settings,
  notes: Notes,
): void {
  if (key.startsWith('tg_')) {
    notes.problems.push(
      `${keyLabel}: holds a Tollgate key; the gateway needs the provider key here, callers use the Tollgate key`,
    )
  }
  const target = new URL(url)
  if (isLoopback(target.hostname) && isLoopback(host) && target.port === String(port)) {
    notes.problems.push(`${urlLabel}: \`${url}\` is this gateway's own address`)
  }
}

function readAuthority(
  label: string,
  path: string | undefined,
  read: ReadNamed,
  notes: Notes,
): string | null {
  const caPem = read(label, path) ?? null
  if (caPem !== null && !isCertificate(caPem)) {
    notes.problems.push(`${label}: \`${path}\` holds no PEM certificate`)
  }
  return caPem
}
