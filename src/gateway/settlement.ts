// The way out, wired: what an exchange left behind goes to the journal, the span, the metrics and the log.
// Nothing here may throw or wait: the client has its answer already.

import type { ExchangeRecord } from '../audit/exchange-record.ts'
import type { Journal, JournalRecord } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import { withoutKeys } from '../kernel/redact.ts'
import type { VerificationRecord } from '../pin/verification.ts'
import type { Sighting } from '../tap/sighting.ts'
import type { Metrics } from '../trace/metrics.ts'
import type { Operation } from '../upstream/operation-type.ts'
import type { GatewayDeps, SettledFacts } from './gateway.ts'

export type SettlementDeps = {
  readonly journal: Journal
  readonly metrics: Metrics
  readonly logger: Logger
  readonly backlogBytesMax: number
  /** `serve`: mutating calls go on with a full journal, and what they cause may be lost (counted). */
  readonly whenFull: 'refuse' | 'serve'
}

export type Settlement = {
  /** False when the journal is so full that what a mutating call causes may find no room. */
  readonly journalAccepts: () => boolean
  readonly keepSightings: (sightings: readonly Sighting[]) => void
  readonly keepVerification: (record: VerificationRecord) => void
  readonly opened: (operation: Operation | null) => void
  readonly settled: GatewayDeps['onSettled']
}

// Mutating calls stop before the journal is full, so that streams already open still find room for what they see.
const mutatingShare = 0.8

/** Makes the house's end of every exchange. */
export function createSettlement(deps: SettlementDeps): Settlement {
  const { journal, metrics, logger } = deps
  const roomBytes = deps.backlogBytesMax * mutatingShare
  // A disk that refused the last record would refuse the next: refused calls are appended too and find out when it is well.
  let isRefusing = false
  // Records of one group share one promise, so they are watched together.
  let group: { readonly durable: Promise<void>; readonly kinds: string[] } | null = null
  const keep = (record: JournalRecord): void => {
    const durable = journal.append(record)
    if (group?.durable === durable) {
      group.kinds.push(record.kind)
      return
    }
    const kinds = [record.kind]
    group = { durable, kinds }
    durable.then(
      () => {
        isRefusing = false
      },
      (error: unknown) => {
        isRefusing = true
        for (const kind of kinds) metrics.journalRefused(kind)
        logger.error({ err: error, records: kinds.length }, 'the journal did not take these records')
      },
    )
  }
  return {
    journalAccepts: () => deps.whenFull === 'serve' || (!isRefusing && journal.backlogBytes() < roomBytes),
    keepSightings: (sightings) => {
      for (const sighting of sightings) keep(sighting)
    },
    keepVerification: keep,
    opened: (operation) => {
      if (operation?.answer === 'sse') metrics.streamOpened()
    },
    settled: (record, facts) => {
      keep(record)
      facts.span.end(record)
      metrics.countExchange(record, facts.isStream)
      if (facts.isStream) metrics.streamClosed()
      logUnlessFine(record, facts)
    },
  }

  // One line for each exchange that was refused, denied or broken; none for the rest.
  function logUnlessFine(record: ExchangeRecord, { message: sentence, cause }: SettledFacts): void {
    if (record.error_code === '' && !isKeyRefused(record)) return
    // It names what the body named.
    const message = withoutKeys(sentence)
    const { exchange_id: request_id, operation, team, caller, error_code: code, status, rules } = record
    const fields = {
      request_id,
      code,
      status,
      operation,
      team,
      caller,
      rules,
      ...(cause === undefined ? {} : { err: cause }),
    }
    if (isKeyRefused(record))
      logger.error(fields, 'the upstream refused the provider key: check ANTHROPIC_API_KEY or its file')
    else if (code === 'gateway.internal') logger.error(fields, message)
    else if (/^(upstream|journal)\./.test(code))
      logger.warn(fields, message === '' ? 'the upstream broke off its answer' : message)
    else logger.info(fields, message)
  }
}

/** The caller was identified, so a 401 that passed through is about the operator's key and not the caller's. */
function isKeyRefused({ status, decision, error_code }: ExchangeRecord): boolean {
  return status === 401 && error_code === '' && decision !== 'refused'
}
