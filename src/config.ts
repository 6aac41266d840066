// The sole reader of the environment and of `tollgate.yaml`: text in, one checked `Config` out.
// Nothing stops the reading half way: every problem is found in one go and told together.
import { resolve } from 'node:path'
import { isCertificate, readSecret } from './config-secret.ts'
import {
  type Environment,
  isLoopback,
  type Listen,
  type Notes,
  present,
  type ReadNamed,
  readSettings,
  type Settings,
} from './config-settings.ts'
import { readWatch, type WatchConfig } from './config-watch.ts'
import { Secret } from './kernel/secret.ts'

export type { Environment, Listen } from './config-settings.ts'

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

/** Where the ledger lives: the embedded engine under `dataDir`, or a ClickHouse server. */
export type LedgerConfig =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'server'
      readonly url: string
      readonly username: string
      readonly password: Secret
      /** Name for `ON CLUSTER` and Replicated engines; null for a single server. */
      readonly cluster: string | null
    }

/** The whole configuration, grouped by the room that receives it. */
export type Config = {
  readonly gateway: {
    readonly listen: Listen
    /** What callers call the gateway by; null: whatever each request says. */
    readonly publicUrl: string | null
    readonly bodyLimitBytes: number
    readonly shutdownGraceMs: number
    /** Whether what callers make is stamped with the owner. */
    readonly stamping: boolean
  }
  readonly show: { readonly listen: Listen }
  /** The gateway's own reading of sessions; null when it is off. */
  readonly watch: WatchConfig
  /** Absolute. Journal, embedded ledger and pepper live here. */
  readonly dataDir: string
  /** Absolute. What people decide lives here. */
  readonly policiesDir: string
  readonly upstream: UpstreamConfig
  readonly ledger: LedgerConfig
  /** `whenFull`: refuse mutating calls (nothing goes unmetered), or serve them and count what was lost. */
  readonly journal: { readonly backlogBytesMax: number; readonly whenFull: 'refuse' | 'serve' }
  readonly logLevel: Settings['log_level']
  /** The standard `OTEL_*` variables as they are; `OTEL_EXPORTER_OTLP_HEADERS` may hold a credential. */
  readonly trace: { readonly otelEnv: { readonly [name: string]: string } }
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/**
 * Reads the whole configuration. `readFile` returns a file's text or throws; it is asked for the yaml named
 * by TOLLGATE_CONFIG and for key, password and CA files. An empty variable counts as unset.
 * Problems and warnings are sentences for people and hold no secret. Does not throw.
 */
export function parseConfig(env: Environment, readFile: (path: string) => string): ConfigResult {
  const notes: Notes = { problems: [], warnings: [] }
  const read: ReadNamed = (label, path) => {
    if (path === undefined) return undefined
    try {
      return readFile(path)
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
      notes.problems.push(`${label}: cannot read \`${path}\` (${code}); check the path and its permissions`)
      return undefined
    }
  }
  const settings = readSettings(env, read, notes)
  const upstream = readUpstream(env, settings, read, notes)
  const ledger = readLedger(env, settings, read, notes)
  const watch = readWatch(env, settings, read, notes)
  checkListeners(settings, notes)
  if (notes.problems.length > 0) return { ok: false, problems: notes.problems }
  return { ok: true, config: assemble(env, settings, upstream, ledger, watch), warnings: notes.warnings }
}

function assemble(
  env: Environment,
  settings: Settings,
  upstream: UpstreamConfig,
  ledger: LedgerConfig,
  watch: WatchConfig,
): Config {
  return {
    gateway: {
      listen: settings.listen,
      publicUrl: settings.public_url ?? null,
      bodyLimitBytes: settings.body_limit_bytes,
      shutdownGraceMs: settings.shutdown_grace_ms,
      stamping: settings.stamping === 'on',
    },
    show: { listen: settings.admin_listen },
    watch,
    dataDir: resolve(settings.data_dir),
    policiesDir: resolve(settings.policies_dir),
    upstream,
    ledger,
    journal: { backlogBytesMax: settings.journal_backlog_limit_bytes, whenFull: settings.journal_full },
    logLevel: settings.log_level,
    trace: {
      otelEnv: Object.fromEntries(
        Object.entries(env).flatMap(([name, value]) =>
          name.startsWith('OTEL_') && value !== undefined ? [[name, value]] : [],
        ),
      ),
    },
  }
}

function readUpstream(env: Environment, settings: Settings, read: ReadNamed, notes: Notes): UpstreamConfig {
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

function readLedger(env: Environment, settings: Settings, read: ReadNamed, notes: Notes): LedgerConfig {
  const label = 'TOLLGATE_CLICKHOUSE_PASSWORD'
  const password = readSecret(env, label, `${label}_FILE`, settings.clickhouse_password_file, read, notes)
  if (settings.clickhouse_url === undefined) {
    // A password without an address means the address was lost; the embedded engine would hide that.
    if (
      password !== undefined ||
      settings.clickhouse_user !== undefined ||
      settings.clickhouse_cluster !== undefined
    ) {
      notes.problems.push('TOLLGATE_CLICKHOUSE_URL: is not set, but a user, password or cluster for it is')
    }
    return { kind: 'embedded' }
  }
  return {
    kind: 'server',
    url: settings.clickhouse_url,
    username: settings.clickhouse_user ?? 'default',
    password: new Secret(password ?? ''),
    cluster: settings.clickhouse_cluster ?? null,
  }
}

function checkListeners(settings: Settings, notes: Notes): void {
  const { listen, admin_listen: admin } = settings
  if (listen.port === admin.port && listen.port !== 0) {
    notes.problems.push(
      `TOLLGATE_ADMIN_LISTEN: must have another port than TOLLGATE_LISTEN, both have ${listen.port}`,
    )
  }
  if (!isLoopback(admin.host)) {
    notes.warnings.push(
      `TOLLGATE_ADMIN_LISTEN: \`${admin.host}\` is reachable from the network over plain http`,
    )
  }
}
