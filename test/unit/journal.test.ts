// The journal's guarantees while its process lives: order, durability before visibility, limits, the lock.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { Journal } from '../../src/kernel/journal.ts'
import { type CreateSegment, createSegment } from '../../src/kernel/journal-files.ts'
import { type JournalOptions, type JournalTrouble, openJournal } from '../../src/kernel/segment-journal.ts'

const folders: string[] = []
const journals: Journal[] = []

afterEach(async () => {
  await Promise.allSettled(journals.splice(0).map((journal) => journal.close()))
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true })))
})

async function newFolder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'journal-'))
  folders.push(dir)
  return dir
}

async function open(dir: string, options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await openJournal({ dir, report: () => {}, ...options })
  journals.push(journal)
  return journal
}

const numbered = (n: number) => ({ kind: 'numbered', n })
const numbersOf = async (journal: Journal, max = 10_000) =>
  (await journal.read(max)).records.map((record) => record['n'])

/** A segment factory whose disk can be told to stop, to fill up, or to fail its fsync. */
function troubledDisk() {
  const state = {
    freeBytes: Number.POSITIVE_INFINITY,
    syncFails: false,
    syncs: 0,
    gate: Promise.resolve(),
    onWrite: () => {},
  }
  const create: CreateSegment = async (file) => {
    const real = await createSegment(file)
    return {
      write: async (buffer, offset, length, position) => {
        state.onWrite()
        if (state.freeBytes === 0)
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        const take = Math.min(length, state.freeBytes)
        state.freeBytes -= take
        return await real.write(buffer, offset, take, position)
      },
      datasync: async () => {
        state.syncs += 1
        await state.gate
        if (state.syncFails) throw Object.assign(new Error('input/output error'), { code: 'EIO' })
        await real.datasync()
      },
      truncate: (length) => real.truncate(length),
      close: () => real.close(),
    }
  }
  return { state, createSegment: create }
}

test('records come back in the order of their appends, again until committed, across segments and lives', async () => {
  const dir = await newFolder()
  const first = await open(dir, { segmentBytes: 200 })
  for (let n = 0; n < 50; n++) await first.append(numbered(n))
  expect(await numbersOf(first, 7)).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(await numbersOf(first, 7)).toEqual([0, 1, 2, 3, 4, 5, 6])
  await first.commit((await first.read(30)).next)
  expect(await numbersOf(first)).toEqual(Array.from({ length: 20 }, (_, n) => n + 30))
  await first.close()

  const second = await open(dir, { segmentBytes: 200 })
  await second.append(numbered(50))
  expect(await numbersOf(second)).toEqual(Array.from({ length: 21 }, (_, n) => n + 30))
})

test('consumed segments are deleted, and the backlog is what is left', async () => {
  const dir = await newFolder()
  const journal = await open(dir, { segmentBytes: 100 })
  for (let n = 0; n < 30; n++) await journal.append(numbered(n))
  const full = journal.backlogBytes()
  expect((await readdir(dir)).filter((name) => name.endsWith('.segment')).length).toBeGreaterThan(5)

  await journal.commit((await journal.read(15)).next)
  expect(journal.backlogBytes()).toBeLessThan(full)
  await journal.commit((await journal.read(100)).next)
  expect(journal.backlogBytes()).toBe(0)
  expect((await readdir(dir)).filter((name) => name.endsWith('.segment'))).toHaveLength(1)
})

test('a record is not read before it is durable, and its reader is told when it is', async () => {
  const disk = troubledDisk()
  let letThrough = () => {}
  disk.state.gate = new Promise((resolve) => {
    letThrough = resolve
  })
  const journal = await open(await newFolder(), { createSegment: disk.createSegment })
  const told = new Promise<void>((resolve) => journal.onDurable(resolve))
  const appended = journal.append(numbered(1))
  await expect.poll(() => disk.state.syncs).toBe(1)
  expect(await numbersOf(journal)).toEqual([])

  letThrough()
  await appended
  await told
  expect(await numbersOf(journal)).toEqual([1])
})

test('a thousand appends at once share one fsync', async () => {
  const disk = troubledDisk()
  const journal = await open(await newFolder(), { createSegment: disk.createSegment })
  await Promise.all(Array.from({ length: 1000 }, (_, n) => journal.append(numbered(n))))
  expect(disk.state.syncs).toBe(1)
  expect(await numbersOf(journal)).toEqual(Array.from({ length: 1000 }, (_, n) => n))
})

test('a full disk refuses, loses nothing accepted, and serves again once there is room', async () => {
  const dir = await newFolder()
  const disk = troubledDisk()
  const troubles: JournalTrouble[] = []
  const journal = await open(dir, { createSegment: disk.createSegment, report: (t) => troubles.push(t) })
  await journal.append(numbered(1))
  disk.state.freeBytes = 10
  await expect(journal.append(numbered(2))).rejects.toMatchObject({ code: 'journal.unavailable' })
  await expect(journal.append(numbered(3))).rejects.toMatchObject({ code: 'journal.unavailable' })
  expect(troubles.map((trouble) => trouble.kind)).toEqual(['write_failed', 'write_failed'])

  disk.state.freeBytes = Number.POSITIVE_INFINITY
  await journal.append(numbered(4))
  expect(await numbersOf(journal)).toEqual([1, 4])
  await journal.close()
  expect(await numbersOf(await open(dir))).toEqual([1, 4])
})

test('a failed fsync refuses its whole group and is never retried on the same file', async () => {
  const dir = await newFolder()
  const disk = troubledDisk()
  const journal = await open(dir, { createSegment: disk.createSegment })
  await journal.append(numbered(1))
  disk.state.syncFails = true
  const group = await Promise.allSettled([journal.append(numbered(2)), journal.append(numbered(3))])
  expect(group.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])

  disk.state.syncFails = false
  await journal.append(numbered(4))
  expect((await readdir(dir)).filter((name) => name.endsWith('.segment'))).toHaveLength(2)
  expect(await numbersOf(journal)).toEqual([1, 4])
  await journal.close()
  expect(await numbersOf(await open(dir))).toEqual([1, 4])
})

test('a position read while the disk was failing can still be committed', async () => {
  const disk = troubledDisk()
  const journal = await open(await newFolder(), { createSegment: disk.createSegment, segmentBytes: 1 })
  await journal.append(numbered(1))
  disk.state.freeBytes = 0
  let read: ReturnType<Journal['read']> | undefined
  disk.state.onWrite = () => {
    read = journal.read(10)
  }
  await expect(journal.append(numbered(2))).rejects.toThrow()
  disk.state.freeBytes = Number.POSITIVE_INFINITY
  const batch = await read
  if (batch === undefined) throw new Error('nothing was read while the disk failed')
  await journal.commit(batch.next)
  await journal.append(numbered(3))
  expect(await numbersOf(journal)).toEqual([3])
})

test('a backlog at its limit refuses, and a commit makes room', async () => {
  const journal = await open(await newFolder(), { backlogBytesMax: 200 })
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => journal.append(numbered(n))))
  const accepted = outcomes.filter((outcome) => outcome.status === 'fulfilled').length
  expect(accepted).toBeGreaterThan(2)
  expect(accepted).toBeLessThan(20)
  expect(journal.backlogBytes()).toBeLessThanOrEqual(200)
  const batch = await journal.read(100)
  expect(batch.records).toHaveLength(accepted)
  await journal.commit(batch.next)
  await journal.append(numbered(99))
})

test('a stalled disk costs bounded memory: what does not fit is refused at once', async () => {
  const disk = troubledDisk()
  let letThrough = () => {}
  disk.state.gate = new Promise((resolve) => {
    letThrough = resolve
  })
  const journal = await open(await newFolder(), { createSegment: disk.createSegment, waitingBytesMax: 100 })
  const held = journal.append(numbered(1))
  await expect(journal.append({ kind: 'large', text: 'x'.repeat(100) })).rejects.toMatchObject({
    code: 'journal.unavailable',
  })
  letThrough()
  await held
})

test('a record over the line limit, or no JSON at all, is refused without harm to others', async () => {
  const journal = await open(await newFolder())
  await expect(journal.append({ kind: 'huge', text: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({
    code: 'journal.unavailable',
  })
  await expect(journal.append({ kind: 'big', n: 1n })).rejects.toThrow(TypeError)
  const large = { kind: 'large', text: '\n\u2028é𝄞'.repeat(60_000) }
  await journal.append(large)
  await journal.append(numbered(1))
  expect((await journal.read(10)).records).toEqual([large, numbered(1)])
})

test('close makes what was accepted durable and refuses the rest', async () => {
  const dir = await newFolder()
  const journal = await open(dir)
  const accepted = journal.append(numbered(1))
  await journal.close()
  await accepted
  await expect(journal.append(numbered(2))).rejects.toMatchObject({ code: 'journal.unavailable' })
  expect(await numbersOf(await open(dir))).toEqual([1])
})

test('a folder in use is refused with its holder named, and free again after close', async () => {
  const dir = await newFolder()
  const journal = await open(dir)
  await expect(open(dir)).rejects.toThrow(`in use by process ${process.pid}`)
  await journal.append(numbered(1))
  await journal.close()
  expect(await numbersOf(await open(dir))).toEqual([1])
  expect((await readdir(dir)).filter((name) => name.endsWith('.sock'))).toHaveLength(1)
})

test('of many that open one folder at the same moment at most one gets it', async () => {
  const dir = await newFolder()
  for (let round = 0; round < 10; round++) {
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => open(dir)))
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(winners.length).toBeLessThanOrEqual(1)
    await Promise.all(winners.map((journal) => journal.close()))
  }
})

test('a folder whose path is longer than a socket address can be locked all the same', async () => {
  const dir = path.join(await newFolder(), 'd'.repeat(120))
  await open(dir)
  await expect(open(dir)).rejects.toThrow('in use by process')
})

test('what was accepted is durable once the journal has settled, whether it waits for company or is being written', async () => {
  const disk = troubledDisk()
  let openGate = (): void => {}
  disk.state.gate = new Promise((resolve) => {
    openGate = resolve
  })
  const journal = await open(await newFolder(), { groupDelayMs: 20, createSegment: disk.createSegment })
  const settledNumbers = async () => {
    await journal.settled()
    return numbersOf(journal)
  }
  const writing = journal.append(numbered(1))
  await vi.waitUntil(() => disk.state.syncs === 1)
  const first = settledNumbers()
  const waiting = journal.append(numbered(2))
  const both = settledNumbers()
  openGate()
  expect(await first).toContain(1)
  expect(await both).toEqual([1, 2])
  await Promise.all([writing, waiting])
})
