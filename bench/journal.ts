// Which store for the journal: what an append costs in segment files and in lmdb, in fsyncs, latency and CPU,
// and how long a million records take to come back. Run: node --import tsx bench/journal.ts [folder]
// lmdb is not a dependency; to measure it: mkdir /tmp/lmdb && cd /tmp/lmdb && npm i lmdb@3.5.6, then
// LMDB_FOLDER=/tmp/lmdb node --import tsx bench/journal.ts. The folder should lie on the disk you mean.
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { z } from 'zod'
import { createSegment } from '../src/kernel/journal-files.ts'
import { openJournal } from '../src/kernel/segment-journal.ts'

const secondsPerCase = 3
const million = 1_000_000

/** As large as a usage sighting really is: about 560 bytes of JSON. */
const sighting = (n: number) => ({
  kind: 'sighting',
  about: 'event',
  n,
  session_id: 'sesn_011CZkZAtmR3yMPDzynEDxu7',
  event_id: `sevt_011CZkZAtmR3yMPDzy${String(n).padStart(8, '0')}`,
  type: 'span.model_request_end',
  source: 'stream',
  seen_at_ms: 1_795_449_600_000 + n,
  exchange_id: 'exch_019aab0f3c2e5f6a7b8c9d0e1f2a3b4c',
  team: 'payments',
  caller: 'ci-payments',
  thread_id: '',
  about_thread_id: '',
  processed_at: '2026-11-23T16:00:00.000Z',
  speed: 'standard',
  is_error: false,
  stop_reason: '',
  tokens: {
    input_tokens: 1200,
    output_tokens: 340,
    cache_read_input_tokens: 9000,
    cache_write_5m_input_tokens: 0,
  },
  usage: null,
})

type Store = {
  readonly append: (n: number) => Promise<unknown>
  /** Reads everything back in batches of 10,000; returns how many. */
  readonly readAll: () => Promise<number>
  readonly close: () => Promise<void>
  readonly fsyncs: () => number
}

async function openSegments(dir: string): Promise<Store> {
  let fsyncs = 0
  const journal = await openJournal({
    dir,
    report: (trouble) => console.error(trouble),
    backlogBytesMax: 8 * 1024 ** 3,
    createSegment: async (file) => {
      const real = await createSegment(file)
      return {
        write: (bytes, offset, length, position) => real.write(bytes, offset, length, position),
        datasync: () => {
          fsyncs += 1
          return real.datasync()
        },
        truncate: (bytes) => real.truncate(bytes),
        close: () => real.close(),
      }
    },
  })
  return {
    append: (n) => journal.append(sighting(n)),
    readAll: async () => {
      let count = 0
      for (;;) {
        const batch = await journal.read(10_000)
        if (batch.records.length === 0) return count
        count += batch.records.length
        await journal.commit(batch.next)
      }
    },
    close: () => journal.close(),
    fsyncs: () => fsyncs,
  }
}

// What we use of lmdb 3.5.6. `put` resolves when the transaction is visible, `flushed` when it is synced.
const lmdbShape = z.object({
  open: z.custom<
    (options: object) => {
      readonly put: (key: number, value: unknown) => Promise<boolean>
      readonly getRange: (range: object) => Iterable<{ readonly key: number; readonly value: unknown }>
      readonly removeSync: (key: number) => boolean
      readonly transaction: <T>(act: () => T) => Promise<T>
      readonly flushed: Promise<boolean>
      readonly close: () => Promise<void>
    }
  >((value) => typeof value === 'function'),
})

async function openLmdb(dir: string, folder: string): Promise<Store> {
  const { open } = lmdbShape.parse(createRequire(path.join(folder, 'x.cjs'))('lmdb'))
  const db = open({
    path: path.join(dir, 'db'),
    encoding: 'json',
    keyEncoding: 'uint32',
    mapSize: 8 * 1024 ** 3,
  })
  return {
    append: async (n) => {
      await db.put(n, sighting(n))
      await db.flushed
    },
    readAll: async () => {
      let count = 0
      for (let start = 0; ; ) {
        const keys = [...db.getRange({ start, limit: 10_000 })].map(({ key }) => key)
        const last = keys.at(-1)
        if (last === undefined) return count
        count += keys.length
        start = last + 1
        await db.transaction(() => {
          for (const key of keys) db.removeSync(key)
        })
        await db.flushed
      }
    },
    close: () => db.close(),
    fsyncs: () => Number.NaN,
  }
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** `lanes` callers append one after the other for some seconds. */
async function measureAppends(store: Store, lanes: number): Promise<Record<string, string | number>> {
  let n = 0
  const latenciesMs: number[] = []
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const fsyncsBefore = store.fsyncs()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const lane = async (): Promise<void> => {
    while (performance.now() - startedAt < secondsPerCase * 1000) {
      const from = performance.now()
      await store.append(n++)
      latenciesMs.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  loop.disable()
  latenciesMs.sort((a, b) => a - b)
  const done = latenciesMs.length
  const fsyncs = store.fsyncs() - fsyncsBefore
  return {
    lanes,
    'appends/s': Math.round(done / seconds),
    'p50 ms': percentile(latenciesMs, 0.5).toFixed(2),
    'p99 ms': percentile(latenciesMs, 0.99).toFixed(2),
    'cpu us/append': ((cpu.user + cpu.system) / done).toFixed(1),
    'appends/fsync': Number.isNaN(fsyncs) ? '-' : (done / fsyncs).toFixed(1),
    'loop delay max ms': (loop.max / 1e6).toFixed(1),
  }
}

async function measureRecovery(
  open: (dir: string) => Promise<Store>,
  dir: string,
): Promise<Record<string, string>> {
  const filling = await open(dir)
  for (let n = 0; n < million; n += 5000) {
    await Promise.all(Array.from({ length: 5000 }, (_, i) => filling.append(n + i)))
  }
  await filling.close()
  const openedAt = performance.now()
  const store = await open(dir)
  const readAt = performance.now()
  const rssBefore = process.memoryUsage.rss()
  const count = await store.readAll()
  const doneAt = performance.now()
  await store.close()
  return {
    records: String(count),
    'open ms': (readAt - openedAt).toFixed(0),
    'read and consume ms': (doneAt - readAt).toFixed(0),
    'rss grown MB': ((process.memoryUsage.rss() - rssBefore) / 1e6).toFixed(0),
  }
}

const lmdbFolder = process.env['LMDB_FOLDER']
const stores: Record<string, (dir: string) => Promise<Store>> = {
  segments: openSegments,
  ...(lmdbFolder === undefined ? {} : { lmdb: (dir: string) => openLmdb(dir, lmdbFolder) }),
}
const root = await mkdtemp(path.join(process.argv[2] ?? tmpdir(), 'bench-journal-'))
try {
  for (const [name, open] of Object.entries(stores)) {
    const rows: Record<string, string | number>[] = []
    for (const lanes of [1, 100, 1000]) {
      const store = await open(await mkdtemp(path.join(root, `${name}-`)))
      rows.push(await measureAppends(store, lanes))
      await store.close()
    }
    console.log(name)
    console.table(rows)
    console.table([await measureRecovery(open, await mkdtemp(path.join(root, `${name}-`)))])
  }
} finally {
  await rm(root, { recursive: true })
}
