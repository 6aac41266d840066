// The budgets' part of the configuration: how often they are held against the ledger, and who is told of thresholds.
import { readSecret } from './config-secret.ts'
import type { Environment, Notes, ReadNamed, Settings } from './config-settings.ts'
import { Secret } from './kernel/secret.ts'

export type BudgetsConfig = {
  readonly refreshMs: number
  /** Null: nobody is called; the log, the metrics and the audit log tell it all the same. */
  readonly webhook: { readonly url: string; readonly key: Secret } | null
}

/** Reads it; an address without a key, or a key without one, is a problem. */
export function readBudgetsConfig(
  env: Environment,
  settings: Settings,
  read: ReadNamed,
  notes: Notes,
): BudgetsConfig {
  const variable = 'TOLLGATE_BUDGET_WEBHOOK_KEY'
  const secret = readSecret(env, variable, `${variable}_FILE`, settings.budget_webhook_key_file, read, notes)
  const { budget_webhook_url: url, budget_refresh_ms: refreshMs } = settings
  if (secret !== undefined && !/^whsec_[A-Za-z0-9+/]{32,90}={0,2}$/.test(secret))
    notes.problems.push(
      `${variable}: is not a signing key, which is \`whsec_\` and 24 to 64 random bytes in base64`,
    )
  if ((url === undefined) !== (secret === undefined))
    notes.problems.push(`TOLLGATE_BUDGET_WEBHOOK_URL: needs ${variable} or its file, and the other way round`)
  return {
    refreshMs,
    webhook: url === undefined || secret === undefined ? null : { url, key: new Secret(secret) },
  }
}
