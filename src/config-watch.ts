// The watcher's part of the configuration: whether it watches, how much it may ask, and what webhooks are checked by.
import { readSecret } from './config-secret.ts'
import type { Environment, Notes, ReadNamed, Settings } from './config-settings.ts'
import { Secret } from './kernel/secret.ts'

/** What the watcher receives; null when it is off. */
export type WatchConfig = {
  readonly readsPerMinute: number
  readonly checkMs: number
  readonly sweepMs: number
  /** What webhooks are checked by; none: they are not received. */
  readonly webhookKeys: readonly { readonly upstream: string; readonly key: Secret }[]
} | null

/** Reads it; a key that cannot be one is a problem, one that nobody will use a warning. */
export function readWatch(env: Environment, settings: Settings, read: ReadNamed, notes: Notes): WatchConfig {
  const webhookKeys = [
    ...readKey(
      env,
      'default',
      'ANTHROPIC_WEBHOOK_SIGNING_KEY',
      'TOLLGATE_WEBHOOK_KEY_FILE',
      settings.webhook_key_file,
      read,
      notes,
    ),
    ...(settings.upstreams ?? []).flatMap(({ name, webhook_key_file: file }) =>
      file === undefined
        ? []
        : readKey({}, name, '', `upstreams.${name}.webhook_key_file`, file, read, notes),
    ),
  ].map(({ upstream, key }) => ({ upstream: upstream === 'default' ? firstOf(settings) : upstream, key }))
  if (settings.watch === 'on') {
    return {
      readsPerMinute: settings.watch_reads_per_minute,
      checkMs: settings.watch_check_ms,
      sweepMs: settings.watch_sweep_ms,
      webhookKeys,
    }
  }
  if (webhookKeys.length > 0)
    notes.warnings.push(
      'TOLLGATE_WATCH: is `off`, so webhooks are not received, though there is a key for them',
    )
  return null
}

/** The endpoint of an account without a name of its own is the first one's. */
const firstOf = ({ upstreams }: Settings): string => upstreams?.[0]?.name ?? 'default'

function readKey(
  env: Environment,
  upstream: string,
  variable: string,
  fileVariable: string,
  path: string | undefined,
  read: ReadNamed,
  notes: Notes,
): readonly { readonly upstream: string; readonly key: Secret }[] {
  const secret = readSecret(env, variable, fileVariable, path, read, notes)
  if (secret === undefined) return []
  const label = path === undefined ? variable : fileVariable
  if (!/^whsec_[A-Za-z0-9+/]{32,90}={0,2}$/.test(secret))
    notes.problems.push(`${label}: is not a signing key of a webhook, which begins with \`whsec_\``)
  return [{ upstream, key: new Secret(secret) }]
}
