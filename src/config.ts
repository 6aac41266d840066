// The sole reader of the environment and of `tollgate.yaml`: text in, one checked `Config` out.
// Nothing stops the reading half way: every problem is found in one go and told together.
import { resolve } from 'node:path'
import { type BudgetsConfig, readBudgetsConfig } from './config-budgets.ts'
import { readSecret } from './config-secret.ts'
import {
  type Environment,
  isLoopback,
  type Listen,
  type Notes,
  type ReadNamed,
  readSettings,
  type Settings,
} from './config-settings.ts'
import { readTls, type TlsConfig } from './config-tls.ts'
import { readProviderAdminKey, readUpstream, type UpstreamConfig } from './config-upstream.ts'
import { readWatch, type WatchConfig } from './config-watch.ts'
import { Secret } from './kernel/secret.ts'

export type { Environment, Listen } from './config-settings.ts'
export type { UpstreamConfig } from './config-upstream.ts'

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
    /** null: plain http. */
    readonly tls: TlsConfig | null
    /** What callers call the gateway by; null: whatever each request says. */
    readonly publicUrl: string | null
    readonly bodyLimitBytes: number
    readonly shutdownGraceMs: number
    /** Silence of one side after which an answer, an upload or a download is cut; streams of events may be silent. */
    readonly stallTimeoutMs: number
    readonly drainsMax: number
    readonly drainTimeoutMs: number
    /** How long a stream may go on after the token of ours that opened it has ended. */
    readonly streamLifetimeMs: number
    /** Of which events the names, codes and sizes are kept. */
    readonly events: 'all' | 'metered'
    /** Whether what callers make is stamped with the owner. */
    readonly stamping: boolean
  }
  readonly show: { readonly listen: Listen }
  /** The gateway's own reading of sessions; null when it is off. */
  readonly watch: WatchConfig
  readonly budgets: BudgetsConfig
  /** Absolute. Journal, embedded ledger and pepper live here. */
  readonly dataDir: string
  /** Absolute. What people decide lives here. */
  readonly policiesDir: string
  readonly upstream: UpstreamConfig
  /** The provider's key of the whole organisation, for reconciliation alone; null without one. */
  readonly providerAdminKey: Secret | null
  readonly ledger: LedgerConfig
  /** The workspace's default geography, which decides prices; null is as the price book has it. */
  readonly defaultInferenceGeo: 'global' | 'us' | null
  /** `whenFull`: refuse mutating calls (nothing goes unmetered), or serve them and count what was lost. */
  readonly journal: { readonly backlogBytesMax: number; readonly whenFull: 'refuse' | 'serve' }
  /** How often the audit log is signed, and where that is kept beside the ledger; folders are absolute. */
  readonly audit: {
    readonly checkpointMs: number
    readonly anchorDir: string | null
    readonly anchorGitDir: string | null
  }
  readonly logLevel: Settings['log_level']
  /** The standard `OTEL_*` variables as they are; `OTEL_EXPORTER_OTLP_HEADERS` may hold a credential. */
  readonly trace: {
    readonly otelEnv: { readonly [name: string]: string }
    /** Which spans of sessions are exported beside those of requests. */
    readonly agentSpans: 'full' | 'governance' | 'off'
    /** Template of links to traces; '' without one. */
    readonly urlTemplate: string
  }
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
  const tls = readTls(settings, read, notes)
  const watch = readWatch(env, settings, read, notes)
  const budgets = readBudgetsConfig(env, settings, read, notes)
  const providerAdminKey = readProviderAdminKey(env, settings, read, notes)
  checkListeners(settings, notes)
  if (notes.problems.length > 0) return { ok: false, problems: notes.problems }
  return {
    ok: true,
    config: assemble(env, settings, { upstream, providerAdminKey, ledger, tls, watch, budgets }),
    warnings: notes.warnings,
  }
}

function assemble(
  env: Environment,
  settings: Settings,
  {
    upstream,
    providerAdminKey,
    ledger,
    tls,
    watch,
    budgets,
  }: Pick<Config, 'upstream' | 'providerAdminKey' | 'ledger' | 'watch' | 'budgets'> &
    Pick<Config['gateway'], 'tls'>,
): Config {
  return {
    gateway: {
      listen: settings.listen,
      tls,
      publicUrl: settings.public_url ?? null,
      bodyLimitBytes: settings.body_limit_bytes,
      shutdownGraceMs: settings.shutdown_grace_ms,
      stallTimeoutMs: settings.stall_timeout_ms,
      drainsMax: settings.message_drains_max,
      drainTimeoutMs: settings.message_drain_ms,
      streamLifetimeMs: settings.stream_lifetime_ms,
      events: settings.events,
      stamping: settings.stamping === 'on',
    },
    show: { listen: settings.admin_listen },
    watch,
    budgets,
    dataDir: resolve(settings.data_dir),
    policiesDir: resolve(settings.policies_dir),
    upstream,
    providerAdminKey,
    ledger,
    defaultInferenceGeo: settings.default_inference_geo ?? null,
    journal: { backlogBytesMax: settings.journal_backlog_limit_bytes, whenFull: settings.journal_full },
    audit: {
      checkpointMs: settings.audit_checkpoint_ms,
      anchorDir: absolute(settings.audit_anchor_dir),
      anchorGitDir: absolute(settings.audit_anchor_git_dir),
    },
    logLevel: settings.log_level,
    trace: {
      agentSpans: settings.agent_spans,
      urlTemplate: settings.trace_url ?? '',
      otelEnv: Object.fromEntries(
        Object.entries(env).flatMap(([name, value]) =>
          name.startsWith('OTEL_') && value !== undefined ? [[name, value]] : [],
        ),
      ),
    },
  }
}

const absolute = (path: string | undefined): string | null => (path === undefined ? null : resolve(path))

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
