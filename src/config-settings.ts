// Every setting by name, its check, unit, default and reason; and the reading of them from the
// environment and `tollgate.yaml`. `config.ts` turns them into what the rooms receive.
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { traceLinkFault } from './trace/turns/trace-link.ts'

export type Listen = { readonly host: string; readonly port: number }

export type Environment = { readonly [name: string]: string | undefined }

/** What the reading found to tell people, collected so that all of it is told together. */
export type Notes = { readonly problems: string[]; readonly warnings: string[] }

/** Reads the file a setting names; undefined when there is none or a problem was noted. */
export type ReadNamed = (label: string, path: string | undefined) => string | undefined

const megabyte = 1024 * 1024

const listen = z.string('is not host:port, such as `127.0.0.1:8787`').transform((text, context): Listen => {
  const found = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^\s:[\]]+)):(?<port>\d{1,5})$/.exec(text)
  const { v6, host = v6, port } = found?.groups ?? {}
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) }
  context.addIssue({ code: 'custom', message: 'is not host:port, such as `127.0.0.1:8787`' })
  return z.NEVER
})

/** True for `localhost`, 127.0.0.0/8 and ::1: bytes to them do not leave the machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '::1' ||
    hostname === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(hostname)
  )
}

/** The fault of an upstream or server address, undefined when it is plain scheme, host and port. */
function originFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL, such as `https://api.anthropic.com`'
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'is not an http or https URL'
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return 'must end after host and port'
  return undefined
}

const origin = z
  .string('is not a URL, such as `https://api.anthropic.com`')
  .transform((text, context): string => {
    const message = originFault(text)
    if (message === undefined) return new URL(text).origin
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const whole = (minimum: number, maximum: number) =>
  z
    .union([z.int(), z.string().regex(/^\d+$/).transform(Number)], 'is not a whole number')
    .pipe(z.int().min(minimum, `is less than ${minimum}`).max(maximum, `is more than ${maximum}`))

const path = z.string('is not a path').min(1, 'is empty')

const isLoopbackHttp = ({ protocol, hostname }: URL): boolean => protocol === 'http:' && isLoopback(hostname)

const upstreamOrigin = origin.refine(
  (url) => url.startsWith('https:') || isLoopback(new URL(url).hostname),
  'must be https: the provider key would travel in the clear',
)

const schema = z.strictObject({
  // The data plane. Loopback by default: opening it to a network is a decision.
  listen: listen.prefault('127.0.0.1:8787'),
  // Never the data plane's port, so that a firewall can tell them apart.
  admin_listen: listen.prefault('127.0.0.1:8788'),
  // TLS on the data plane: both files or none.
  tls_cert_file: path.optional(),
  tls_key_file: path.optional(),
  // Whose client certificates count, and whether one is asked for; with authorities named, `optional`.
  tls_client_ca_file: path.optional(),
  tls_client: z
    .enum(['off', 'optional', 'required'], 'is neither `off`, `optional` nor `required`')
    .optional(),
  data_dir: path.default('./data'),
  policies_dir: path.default('./policies'),
  // What callers call this gateway by; addresses in answers that would lead around it are written so.
  public_url: origin.optional(),
  upstream_url: upstreamOrigin.optional(),
  upstream_key_file: path.optional(),
  upstream_ca_file: path.optional(),
  // The organisation's admin key, for reconciliation alone: it never goes where callers' requests go.
  provider_admin_key_file: path.optional(),
  // Several accounts of the provider; the directory binds teams to them. The first serves teams that name none.
  upstreams: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(
            /^[a-z0-9][a-z0-9._-]{0,63}$/,
            'has a `name` that is not lower-case letters, digits, `.`, `_` or `-`',
          ),
        url: upstreamOrigin.default('https://api.anthropic.com'),
        key_file: path,
        ca_file: path.optional(),
        webhook_key_file: path.optional(),
      }),
      'is not a list of `name`, `url`, `key_file` and `ca_file`; it stands in the file named by TOLLGATE_CONFIG',
    )
    .min(1, 'names no upstream')
    .optional(),
  // Plain http is allowed here: the ledger usually sits in the same private network, and it holds no key.
  clickhouse_url: origin.optional(),
  clickhouse_user: z.string().min(1, 'is empty').optional(),
  clickhouse_password_file: path.optional(),
  clickhouse_cluster: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'is not a cluster name')
    .optional(),
  // The upstream's own limit for a request is 32 MB.
  body_limit_bytes: whole(1024, 512 * megabyte).default(32 * megabyte),
  // About two million exchanges: hours of a ClickHouse that is away, before anything is refused.
  journal_backlog_limit_bytes: whole(megabyte, 1024 * 1024 * megabyte).default(2048 * megabyte),
  journal_full: z.enum(['refuse', 'serve'], 'is neither `refuse` nor `serve`').default('refuse'),
  log_level: z
    .enum(
      ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'is not a log level, such as `info`',
    )
    .default('info'),
  // `on`: what a caller makes carries its owner's name in `metadata`, so that every gateway knows it. `off`: the ledger alone.
  stamping: z.enum(['on', 'off'], 'is neither `on` nor `off`').default('on'),
  // How long an answer may lie unread, an upload pause, or a download stand still, before its connection is taken back.
  stall_timeout_ms: whole(1_000, 86_400_000).default(300_000),
  // Of a message whose client hung up the rest is read for what it used; 0 tells the upstream to stop instead.
  message_drains_max: whole(0, 10_000).default(100),
  message_drain_ms: whole(1_000, 3_600_000).default(600_000),
  // How long a stream may outlast the token it was opened with: an SDK cannot send a new one in the middle of a stream.
  stream_lifetime_ms: whole(60_000, 30 * 86_400_000).default(12 * 3_600_000),
  // A signed head of the audit log at least so often, entries or not; more often when there are many entries.
  audit_checkpoint_ms: whole(50, 86_400_000).default(60_000),
  // Where signed heads are kept beside the ledger: a folder, on another disk say, and a git repository that is there.
  audit_anchor_dir: path.optional(),
  audit_anchor_git_dir: path.optional(),
  // `all`: of every event its names, codes and sizes are kept; `metered`: only events that cost or change a status.
  events: z.enum(['all', 'metered'], 'is neither `all` nor `metered`').default('all'),
  // The workspace's default_inference_geo, which no object of the API shows: it decides the price where nothing else is stated.
  default_inference_geo: z.enum(['global', 'us'], 'is neither `global` nor `us`').optional(),
  // `on`: sessions nobody streams are read by the gateway itself, so that the ledger misses nothing.
  watch: z.enum(['on', 'off'], 'is neither `on` nor `off`').default('on'),
  // A quarter of what the upstream allows an organisation: the rest is for callers.
  watch_reads_per_minute: whole(10, 100_000).default(300),
  // The signing key of the webhook endpoint that points here.
  webhook_key_file: path.optional(),
  // Between two looks at a session that runs, and between two listings of what there is.
  watch_check_ms: whole(100, 3_600_000).default(180_000),
  watch_sweep_ms: whole(100, 3_600_000).default(60_000),
  // Where a trace is looked at, with {traceId}, {spanId}, {sessionId}, {from} and {to} in it.
  trace_url: z
    .string('is not a URL with `{traceId}` in it')
    .refine((text) => traceLinkFault(text) === null, {
      error: ({ input }) => traceLinkFault(String(input)) ?? '',
    })
    .optional(),
  // Spans of sessions beside those of requests: all, what people decided alone (where the provider's own export has the rest), none.
  agent_spans: z
    .enum(['full', 'governance', 'off'], 'is neither `full`, `governance` nor `off`')
    .default('full'),
  // How often budgets are held against the ledger; between two looks, what was granted here counts.
  budget_refresh_ms: whole(100, 60_000).default(2_000),
  // Who is told when a budget passes a threshold, and the key the message is signed with.
  budget_webhook_url: z
    .string('is not a URL, such as `https://example.com/told`')
    .refine(
      (text) => URL.canParse(text) && (new URL(text).protocol === 'https:' || isLoopbackHttp(new URL(text))),
      'is not an https URL, such as `https://example.com/told`',
    )
    .optional(),
  budget_webhook_key_file: path.optional(),
  // How long running calls may go on after SIGTERM.
  shutdown_grace_ms: whole(0, 600_000).default(10_000),
})

export type Settings = z.infer<typeof schema>

/** `upstream_url` -> `TOLLGATE_UPSTREAM_URL`. */
const envName = (name: string): string => `TOLLGATE_${name.toUpperCase()}`

/** Read elsewhere: the yaml's name, a secret that yaml may not hold, the command line's own. */
const otherNames = [
  'TOLLGATE_CONFIG',
  'TOLLGATE_CLICKHOUSE_PASSWORD',
  'TOLLGATE_BUDGET_WEBHOOK_KEY',
  'TOLLGATE_KEY',
  'TOLLGATE_URL',
  'TOLLGATE_ADMIN_URL',
]

/** A variable's value; empty counts as unset, as compose files write `${NAME:-}`. */
export const present = (value: string | undefined): string | undefined => (value === '' ? undefined : value)

/**
 * Environment over yaml over defaults. A setting that does not pass is noted and replaced by its default,
 * so that the checks which follow still run and everything wrong is told at once.
 */
export function readSettings(env: Environment, read: ReadNamed, notes: Notes): Settings {
  const given = new Map<string, { readonly value: unknown; readonly label: string }>()
  const { TOLLGATE_CONFIG } = env
  const file = present(TOLLGATE_CONFIG)
  for (const [name, value] of parseSettingsFile(file, read, notes)) {
    given.set(name, { value, label: `${name} in ${file}` })
  }
  for (const name of Object.keys(schema.shape)) {
    const value = present(env[envName(name)])
    if (value !== undefined) given.set(name, { value, label: envName(name) })
  }
  noteUnknownVariables(env, notes)
  const result = schema.safeParse(valuesOf(given))
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const unknown = issue.code === 'unrecognized_keys'
    for (const name of unknown ? issue.keys : [String(issue.path[0])]) {
      const setting = given.get(name)
      if (setting === undefined) continue
      const shown = typeof setting.value === 'string' ? setting.value : JSON.stringify(setting.value)
      notes.problems.push(
        unknown
          ? `${setting.label}: there is no such setting`
          : `${setting.label}: \`${withoutCredential(shown)}\` ${issue.message}`,
      )
      given.delete(name)
    }
  }
  return schema.parse(valuesOf(given))
}

const valuesOf = (given: ReadonlyMap<string, { readonly value: unknown }>) =>
  Object.fromEntries([...given].map(([name, setting]) => [name, setting.value]))

function parseSettingsFile(file: string | undefined, read: ReadNamed, notes: Notes): [string, unknown][] {
  const text = read('TOLLGATE_CONFIG', file)
  if (text === undefined) return []
  try {
    const parsed = z.record(z.string(), z.unknown()).nullable().safeParse(parseYaml(text))
    if (parsed.success) return Object.entries(parsed.data ?? {})
    notes.problems.push(`${file}: must be settings, one \`name: value\` a line`)
  } catch (cause) {
    // The first line of a yaml error names line and column; the rest quotes the file.
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : 'not yaml'
    notes.problems.push(`${file}: ${reason.replace(/:$/, '')}`)
  }
  return []
}

/** A mistyped name must not pass in silence; `TOLLGATE_SERVICE_*` and `TOLLGATE_PORT*` are Kubernetes' own. */
function noteUnknownVariables(env: Environment, notes: Notes): void {
  const known = new Set([...otherNames, ...Object.keys(schema.shape).map(envName)])
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TOLLGATE_') || known.has(name) || /^TOLLGATE_(SERVICE|PORT)(_|$)/.test(name))
      continue
    notes.warnings.push(`${name}: there is no such setting; it has no effect`)
  }
}

/** `https://me:pass@host` -> `https://***@host`: even a refused value is not repeated with its password. */
const withoutCredential = (text: string): string => text.replace(/\/\/[^/@\s]*@/, '//***@')
