// Where sessions are exported to, from the standard OTEL_* variables; nowhere without an endpoint.
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { DrainStart } from './drain/drain-messages.ts'
import type { Logger } from './kernel/logger.ts'
import { readOtlpSettings } from './trace/otlp-settings.ts'
import { tollgateVersion } from './version.ts'

/** Reads it; a setting that cannot be used is logged, and that signal is not exported. */
export function readSessionExport(
  { trace: { otelEnv, agentSpans }, dataDir, ledger }: Pick<Config, 'trace' | 'dataDir' | 'ledger'>,
  logger: Logger,
): DrainStart['traces'] {
  const [traces, logs] = (['TRACES', 'LOGS'] as const).map((signal) => {
    const { settings, problem } = readOtlpSettings(otelEnv, tollgateVersion, signal)
    // Of traces the request spans tell it.
    if (problem !== '' && signal === 'LOGS')
      logger.warn({ problem }, 'events of sessions are not exported as logs')
    return settings === null
      ? null
      : {
          ...settings,
          headers: { ...settings.headers },
          resourceAttributes: { ...settings.resourceAttributes },
        }
  })
  const wanted = agentSpans === 'off' ? null : (traces ?? null)
  if (wanted === null && (logs ?? null) === null) return null
  return {
    dir: join(dataDir, 'outbox'),
    mode: agentSpans,
    version: tollgateVersion,
    traces: wanted,
    logs: logs ?? null,
    isShared: ledger.kind === 'server',
  }
}
