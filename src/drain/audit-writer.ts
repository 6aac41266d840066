// The audit log in the drain process: wiring of `audit/` to the ledger, its keys and anchors, and the clock that signs.
import { join } from 'node:path'
import { createFileAnchor, createGitAnchor } from '../audit/anchors.ts'
import { openAuditKeys } from '../audit/audit-keys.ts'
import { type AuditLog, createAuditLog } from '../audit/audit-log.ts'
import { emptyState, loadState, storeState } from '../audit/audit-state.ts'
import { createSignCheckpoint } from '../audit/sign-checkpoint.ts'
import { createSecretFile, readSecretFile } from '../identify/secret-file.ts'
import { systemClock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Ledger } from '../ledger/port.ts'
import { createAuditWrites } from '../ledger/queries/audit-writes.ts'
import type { DrainStart } from './drain-messages.ts'

/** Opens the log of the folder and starts signing it; `close` signs what is left and stops. */
export function openAuditWriter(
  deps: DrainStart['audit'] & { readonly ledger: Ledger; readonly logger: Logger },
): Pick<AuditLog, 'take' | 'close'> {
  const { dir, checkpointMs, anchorDir, anchorGitDir } = deps
  const keys = openAuditKeys(dir, { read: readSecretFile, create: createSecretFile })
  const log = createAuditLog({
    ledger: createAuditWrites(deps.ledger),
    sign: createSignCheckpoint(dir, keys),
    load: () => loadState(dir),
    store: (state) => storeState(dir, state),
    begin: () => emptyState(newId('gw', systemClock.nowMs())),
    anchors: [
      createFileAnchor(join(dir, 'checkpoints')),
      ...(anchorDir === null ? [] : [createFileAnchor(anchorDir)]),
      ...(anchorGitDir === null ? [] : [createGitAnchor(anchorGitDir)]),
    ],
    clock: systemClock,
    logger: deps.logger,
    checkpointMs,
  })
  // Looks often enough that one is late by a twelfth at most.
  const looking = setInterval(() => void log.tick(), Math.max(20, checkpointMs / 12))
  looking.unref()
  return {
    take: log.take,
    close: async () => {
      clearInterval(looking)
      await log.close()
    },
  }
}
