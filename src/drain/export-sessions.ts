// The export of sessions as traces, in the drain process: told of what each batch touched once it is in the ledger.
import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { JournalBatch } from '../kernel/journal.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Ledger } from '../ledger/port.ts'
import { meetExporters } from '../ledger/queries/trace-exports.ts'
import { createSerialize } from '../trace/export/otlp-bytes.ts'
import { openOutbox } from '../trace/export/outbox.ts'
import { openPostOffice } from '../trace/export/post-office.ts'
import { openSessionExporter } from '../trace/export/session-exporter.ts'
import { ownerOf } from '../watch/shares.ts'
import type { DrainStart, OutboxStatus } from './drain-messages.ts'

export type SessionExport = {
  /** Takes note of what a batch is about, before it is in the ledger. */
  readonly note: (batch: JournalBatch) => void
  /** What was noted is in the ledger now. */
  readonly settled: () => void
  /** Exports what can be exported within so long; the rest stays where it is. */
  readonly close: (withinMs: number) => Promise<void>
}

const gigabyte = 1024 ** 3
const meetMs = 3_000
const aliveMs = 15_000
const statusMs = 1_000

/** Opens the outbox and begins to send. */
export function exportSessions(
  settings: NonNullable<DrainStart['traces']>,
  deps: {
    readonly ledger: Ledger
    readonly clock: Clock
    readonly logger: Logger
    readonly onStatus: (status: OutboxStatus) => void
  },
): SessionExport {
  const { ledger, clock, logger } = deps
  const { traces, logs, mode, version, isShared } = settings
  const outbox = openOutbox(settings.dir)
  const office = openPostOffice({ outbox, receivers: { traces, logs }, logger })
  const exporterId = newId('exp', clock.nowMs())
  let exporters: readonly string[] = [exporterId]
  const meet = async (): Promise<void> => {
    // Without word of the others it exports all it hears of: the same bytes under the same ids.
    exporters = await meetExporters(ledger, exporterId, aliveMs).catch(() => [exporterId])
  }
  const meeting = isShared ? setInterval(() => void meet(), meetMs) : undefined
  meeting?.unref()
  if (isShared) void meet()
  const exporter = openSessionExporter({
    ledger,
    outbox,
    serialize: {
      traces: traces === null ? null : createSerialize(traces.protocol, traces.resourceAttributes, version),
      logs: logs === null ? null : createSerialize(logs.protocol, logs.resourceAttributes, version),
    },
    protocols: { traces: traces?.protocol ?? 'http/protobuf', logs: logs?.protocol ?? 'http/protobuf' },
    mode,
    isMine: (sessionId) => exporters.length < 2 || ownerOf(sessionId, exporters) === exporterId,
    onPut: office.nudge,
    clock,
    logger,
    bytesMax: gigabyte,
  })
  const noted = new Set<string>()
  const status = setInterval(() => {
    const oldest = outbox.oldestMs()
    deps.onStatus({
      letters: outbox.count(),
      bytes: outbox.bytes(),
      oldestAgeMs: oldest === null ? 0 : Math.max(0, clock.nowMs() - oldest),
      ...office.counts(),
    })
  }, statusMs)
  status.unref()
  return {
    note: ({ records }) => {
      for (const record of records) {
        const { session_id: id } = record
        if (record.kind === 'sighting' && typeof id === 'string' && !id.startsWith('messages/')) noted.add(id)
      }
    },
    settled: () => {
      exporter.touched(noted)
      noted.clear()
    },
    close: async (withinMs) => {
      clearInterval(meeting)
      clearInterval(status)
      await Promise.race([
        exporter.flush().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, withinMs / 2).unref()),
      ])
      await exporter.close()
      await office.close(withinMs / 2)
    },
  }
}
