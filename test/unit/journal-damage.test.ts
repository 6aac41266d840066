// What the journal makes of files that a crash, a power cut or a bad disk left behind.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { JournalRecord } from '../../src/kernel/journal.ts'
import { encodeLine } from '../../src/kernel/journal-lines.ts'
import { type JournalTrouble, openJournal } from '../../src/kernel/segment-journal.ts'

const root = await mkdtemp(path.join(tmpdir(), 'journal-damage-'))
afterAll(() => rm(root, { recursive: true }))

const records = fc.array(
  fc.record({
    kind: fc.constant('fact'),
    text: fc.string({ unit: 'binary', maxLength: 12 }),
    n: fc.integer(),
  }),
  { minLength: 1, maxLength: 4 },
)

/** A journal folder whose only segment holds the given bytes. */
async function folderWith(bytes: Buffer): Promise<string> {
  const dir = await mkdtemp(path.join(root, 'j-'))
  await writeFile(path.join(dir, '0000000001.segment'), bytes)
  return dir
}

async function reopen(dir: string): Promise<{ read: readonly JournalRecord[]; troubles: JournalTrouble[] }> {
  const troubles: JournalTrouble[] = []
  const journal = await openJournal({ dir, report: (trouble) => troubles.push(trouble) })
  try {
    await journal.read(1000)
    return { read: (await journal.read(1000)).records, troubles }
  } finally {
    await journal.close()
  }
}

test('a segment cut at any byte gives every whole record before the cut, and the torn bytes are counted', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (written) => {
      const lines = written.map((record) => Buffer.from(encodeLine(record)))
      const whole = Buffer.concat(lines)
      const ends = lines.map((_, i) => Buffer.concat(lines.slice(0, i + 1)).length)
      for (let cut = 0; cut <= whole.length; cut++) {
        const dir = await folderWith(whole.subarray(0, cut))
        const count = ends.filter((lineEnd) => lineEnd <= cut).length
        const end = ends[count - 1] ?? 0
        const { read, troubles } = await reopen(dir)
        expect(read).toEqual(written.slice(0, count))
        expect(troubles).toEqual(cut === end ? [] : [{ kind: 'torn_tail_cut', segment: 1, bytes: cut - end }])
        await rm(dir, { recursive: true })
      }
    }),
    { numRuns: 6 },
  )
})

test('a byte changed anywhere harms its own record alone; the damage is kept, reported once, and passed over', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), fc.integer({ min: 1, max: 255 }), async (written, at, flip) => {
      const last = { kind: 'fact', text: 'the last record is whole', n: 0 }
      const damaged = Buffer.concat(written.map((record) => Buffer.from(encodeLine(record))))
      const where = at % damaged.length
      damaged.writeUInt8(damaged.readUInt8(where) ^ flip, where)
      const dir = await folderWith(Buffer.concat([damaged, Buffer.from(encodeLine(last))]))

      const { read, troubles } = await reopen(dir)
      const original = [...written, last].map((record) => JSON.stringify(record))
      const survivors = read.map((record) => JSON.stringify(record))
      expect(survivors.every((record) => original.includes(record))).toBe(true)
      // A changed newline joins two lines, so at most two records are hurt; the last byte joins the last record.
      expect(survivors.length).toBeGreaterThanOrEqual(original.length - 2)
      expect(survivors.length).toBeLessThan(original.length)

      const kept = (await readdir(dir)).filter((name) => name.startsWith('damaged-'))
      expect(troubles.filter((trouble) => trouble.kind === 'damage_set_aside')).toHaveLength(kept.length)
      expect(kept.length).toBeGreaterThan(0)
      const bytes = (await Promise.all(kept.map((name) => readFile(path.join(dir, name))))).map(
        (b) => b.length,
      )
      const lost = original.length - survivors.length
      expect(bytes.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(lost * 9)
    }),
    { numRuns: 60 },
  )
})

test('megabytes of rubbish without a newline are set aside in pieces and the records behind them are read', async () => {
  const rubbish = Buffer.alloc(5 * 1024 * 1024, 'z')
  const dir = await folderWith(Buffer.concat([rubbish, Buffer.from(`\n${encodeLine({ kind: 'after' })}`)]))
  const { read, troubles } = await reopen(dir)
  expect(read).toEqual([{ kind: 'after' }])
  const aside = troubles.reduce((sum, t) => sum + (t.kind === 'damage_set_aside' ? t.bytes : 0), 0)
  expect(aside).toBe(rubbish.length)
})

test('an unreadable cursor is reported and the records come again rather than never', async () => {
  const dir = await folderWith(Buffer.from(encodeLine({ kind: 'first' })))
  await writeFile(path.join(dir, 'cursor.json'), '{"segment":')
  expect(await reopen(dir)).toEqual({ read: [{ kind: 'first' }], troubles: [{ kind: 'cursor_unreadable' }] })
})

test('a cursor beyond its segment (the disk lied) does not hide what is appended afterwards', async () => {
  const dir = await folderWith(Buffer.from(encodeLine({ kind: 'consumed' })))
  await writeFile(path.join(dir, 'cursor.json'), '{"segment":1,"offset":100000}')
  const journal = await openJournal({ dir, report: () => {} })
  await journal.append({ kind: 'new' })
  expect((await journal.read(10)).records).toEqual([{ kind: 'new' }])
  await journal.close()
})
