// What a reload of the policies leaves behind: a line in the log, a count, and for audit what is different now.
import type { Clock } from './kernel/clock.ts'
import { newId } from './kernel/ids.ts'
import type { Journal } from './kernel/journal.ts'
import type { Logger } from './kernel/logger.ts'
import type { PolicyStoreOptions } from './policies.ts'
import type { PolicyChange } from './policy-change.ts'
import type { Metrics } from './trace/metrics.ts'

/** Where reports go beside the log. */
type Receivers = {
  readonly journal: Pick<Journal, 'append'>
  readonly metrics: Pick<Metrics, 'policiesReloaded' | 'journalRefused'>
}

export type PolicyReports = Required<Pick<PolicyStoreOptions, 'onReload' | 'onProblem' | 'onCandidate'>> & {
  /** Policies are read before there is a journal: what happened until now is handed on, then everything else at once. */
  readonly attach: (receivers: Receivers) => void
}

/** Makes the reports; nothing of them throws. */
export function createPolicyReports(logger: Logger, clock: Clock): PolicyReports {
  let attached: Receivers | null = null
  const waiting: ((receivers: Receivers) => void)[] = []
  const report = (tell: (receivers: Receivers) => void): void => {
    if (attached === null) waiting.push(tell)
    else tell(attached)
  }
  const count = (...told: Parameters<Metrics['policiesReloaded']>): void =>
    report(({ metrics }) => metrics.policiesReloaded(...told))

  return {
    onReload: ({ snapshot }, change) => {
      logger.info({ policy_hash: snapshot.hash, files: change.files }, 'policies reloaded')
      count('live', 'taken')
      if (change.files.length === 0) return
      const record = toRecord(change, clock.nowMs())
      report(({ journal, metrics }) => {
        journal.append(record).catch((error: unknown) => {
          metrics.journalRefused('policy_change')
          logger.error({ err: error, change: record }, 'the journal did not take this change of policies')
        })
      })
    },
    onProblem: (problem) => {
      logger.error({ problem }, 'policies not reloaded; the last good ones stay in force')
      count('live', 'refused')
    },
    onCandidate: (candidate, problem) => {
      if (problem !== null) {
        logger.error({ problem }, 'the candidate policies cannot be judged by; nothing else is affected')
        count('candidate', 'refused')
      } else if (candidate === null) logger.info({}, 'no candidate policies any more')
      else {
        logger.info(
          { policy_hash: candidate.snapshot.hash },
          'candidate policies are judged beside the live ones',
        )
        count('candidate', 'taken')
      }
    },
    attach: (receivers) => {
      attached = receivers
      for (const tell of waiting.splice(0)) tell(receivers)
    },
  }
}

function toRecord({ oldHash, newHash, files, diff }: PolicyChange, nowMs: number) {
  return {
    kind: 'policy_change',
    change_id: newId('chg', nowMs),
    changed_at_ms: nowMs,
    old_hash: oldHash,
    new_hash: newHash,
    files,
    diff,
  }
}
