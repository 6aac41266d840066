// A gateway in a process of its own that says what it holds: the corridor with the real settlement, journal and metrics.
// Started with an IPC channel and `--expose-gc`, in front of the upstream named in its first argument.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSettlement } from '../../../src/gateway/settlement.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { openJournal } from '../../../src/kernel/segment-journal.ts'
import { createMetrics } from '../../../src/trace/metrics.ts'
import { openCorridor } from '../corridor.ts'
import type { FromChild, Holdings } from './messages.ts'

const dir = mkdtempSync(join(tmpdir(), 'tollgate-storm-'))
const backlogBytesMax = 1024 * 1024 * 1024
const journal = await openJournal({ dir, backlogBytesMax, groupDelayMs: 20, report: () => {} })
const metrics = createMetrics({
  serviceVersion: 'test',
  journalBacklogBytes: () => journal.backlogBytes(),
  writerLagMs: () => 0,
})
const settlement = createSettlement({
  journal,
  metrics,
  logger: silentLogger,
  backlogBytesMax,
  whenFull: 'refuse',
})

const tell = (message: FromChild): void => {
  if (process.connected) process.send?.(message)
}

let sightings = 0
const corridor = await openCorridor(process.argv[2] ?? '', {
  // So small that a body which is never given back would soon be missing.
  bodyLimitBytes: 64 * 1024,
  deps: {
    journalAccepts: settlement.journalAccepts,
    onOpened: settlement.opened,
    onSettled: (record, facts) => {
      settlement.settled(record, facts)
      const { user_agent: tag, end_reason, status, error_code } = record
      tell({ kind: 'settled', tag, end_reason, status, error_code })
    },
  },
  onSightings: (seen) => {
    sightings += seen.length
    settlement.keepSightings(seen)
  },
})

/** Reads the journal empty, as the drain would. */
async function drainJournal(): Promise<void> {
  await journal.settled()
  for (;;) {
    const { records, next } = await journal.read(1_000)
    if (records.length === 0) return
    await journal.commit(next)
  }
}

async function collect(): Promise<number> {
  // What one collection frees may be all that kept something else: finalizers and closed sockets take a turn.
  for (let round = 0; round < 6; round += 1) {
    globalThis.gc?.()
    await nextTurn()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function sockets(): Promise<number> {
  return new Promise((resolve, reject) =>
    corridor.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  )
}

async function holdings(): Promise<Holdings> {
  await drainJournal()
  const { api, stream } = corridor.pools
  const openStreams = /^tollgate_streams_open(?:\{.*\})? (\d+)/m.exec(await metrics.exposition())?.[1]
  return {
    openExchanges: corridor.gateway.openExchanges(),
    clientSockets: await sockets(),
    upstreamSockets: api.stats.connected + stream.stats.connected,
    upstreamCalls: api.stats.size + stream.stats.size,
    openStreams: Number(openStreams ?? Number.NaN),
    journalBytes: journal.backlogBytes(),
    sightings,
  }
}

process.on('message', async (question) => {
  if (question === 'holdings') tell({ kind: 'holdings', ...(await holdings()) })
  else if (question === 'heap') tell({ kind: 'heap', bytes: await collect() })
})
process.once('disconnect', async () => {
  await corridor.close()
  await metrics.close()
  await journal.close()
  rmSync(dir, { recursive: true, force: true })
})

tell({ kind: 'ready', url: corridor.url })
