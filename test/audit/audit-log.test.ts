// What the log promises while it is written: every record once, in order, under signatures that bind each other, whatever
// dies in between.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { splitNotes } from '../../src/audit/anchors.ts'
import { addAuditKey, readPublicKeys } from '../../src/audit/audit-keys.ts'
import { type AuditState, emptyState, loadState, storeState } from '../../src/audit/audit-state.ts'
import { readCheckpoint } from '../../src/audit/checkpoint.ts'
import { createEntryMaker, describeRecord, readEntry } from '../../src/audit/entry.ts'
import { readNote, readNoteKey, verifyNote } from '../../src/audit/signed-note.ts'
import { createSecretFile, readSecretFile } from '../../src/identify/secret-file.ts'
import { canonicalJson } from '../../src/kernel/canonical-json.ts'
import {
  batchAt,
  createMemoryAuditLedger,
  createOwnClock,
  exchange,
  exchanges,
  linesOf,
  openLog,
  verifyLines,
} from '../support/audit-world.ts'

const createEntry = createEntryMaker()

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tollgate-audit-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const headsOf = (dir: string) =>
  readdirSync(join(dir, 'checkpoints')).flatMap((name) =>
    splitNotes(readFileSync(join(dir, 'checkpoints', name), 'utf8')).map((note) =>
      readCheckpoint(readNote(note)?.text ?? ''),
    ),
  )

test('an entry is canonical JSON, chained to the one before, and holds the record', () => {
  const { row } = createEntry(exchange(1), { gateway: 'gw_1', seq: 7, prev: 'abc=' })
  const read: unknown = JSON.parse(row.entry)
  expect(row.entry).toBe(canonicalJson(read))
  expect(read).toEqual({ gateway: 'gw_1', prev: 'abc=', record: exchange(1), seq: 7 })
  expect(row).toMatchObject({ kind: 'exchange', record_id: 'exch_1', seq: 7 })
})

test('any record becomes the text that canonical JSON says, whatever record came before it', () => {
  const record = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' }))
  fc.assert(
    fc.property(fc.array(record, { maxLength: 4 }), (records) => {
      for (const each of records) {
        const named = { ...each, kind: 'odd' }
        const { row } = createEntry(named, { gateway: 'gw_1', seq: 7, prev: '-' })
        expect(row.entry).toBe(canonicalJson({ gateway: 'gw_1', prev: '-', record: named, seq: 7 }))
      }
    }),
  )
})

test('kind, id and time of an entry are the same read back from its text, in whatever order its members came', () => {
  const value = fc.oneof(
    fc.jsonValue({ stringUnit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }),
  )
  const name = fc.oneof(
    fc.constantFrom('exchange_id', 'id', 'started_at_ms', 'checked_at_ms', 'seen_at_ms'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.string({ unit: 'binary' }), (members, kind) => {
      const { row } = createEntry({ ...members, kind }, { gateway: 'gw_1', seq: 7, prev: '-' })
      const read = readEntry(row.entry)
      expect(read && describeRecord(read.record)).toEqual({
        kind: row.kind,
        record_id: row.record_id,
        occurred_at_ms: row.occurred_at_ms,
      })
    }),
  )
})

test('a record that is no Unicode is kept all the same', () => {
  const odd = { ...exchange(1), path: '/v1/\ud800', exchange_id: 'x\udfff' }
  const { row } = createEntry(odd, { gateway: 'gw_1', seq: 0, prev: '-' })
  expect(row.entry).toContain('/v1/\ufffd')
  expect(row.record_id).toBe('x\ufffd')
})

test('what was seen becomes no entry, everything else does, in the order of the journal', async () => {
  const dir = folder()
  const { ledger, rows } = createMemoryAuditLedger()
  const log = openLog(dir, ledger, { clock: createOwnClock() })
  const change = { kind: 'policy_change', change_id: 'chg_1', changed_at_ms: 5 }
  const watched = { kind: 'watched', session_id: 'sesn_1', seen_at_ms: 5 }
  await log.take(
    batchAt(0, [exchange(0), { kind: 'sighting', about: 'event' }, watched, change, exchange(1)]),
  )
  expect(rows().map((row) => [row.seq, row.kind, row.record_id])).toEqual([
    [0, 'exchange', 'exch_0'],
    [1, 'policy_change', 'chg_1'],
    [2, 'exchange', 'exch_1'],
  ])
})

test('a checkpoint is signed after so many entries, after so much time, and when nothing happens', async () => {
  const dir = folder()
  const clock = createOwnClock()
  const { ledger, source } = createMemoryAuditLedger()
  const log = openLog(dir, ledger, { clock })
  await log.tick()
  await log.take(batchAt(0, exchanges(0, 20)))
  await log.tick()
  clock.pass(60_000)
  await log.tick()
  clock.pass(60_000)
  await log.tick()
  expect(headsOf(dir).map((head) => [head?.number, head?.size])).toEqual([
    [0, 0],
    [1, 8],
    [2, 16],
    [3, 20],
    [4, 20],
  ])
  expect(await verifyLines(dir, await linesOf(source))).toMatchObject({ verdict: 'sound', findings: [] })
})

test('what no checkpoint has yet is signed when the log is closed', async () => {
  const dir = folder()
  const { ledger, source } = createMemoryAuditLedger()
  const log = openLog(dir, ledger, { clock: createOwnClock() })
  await log.take(batchAt(0, exchanges(0, 3)))
  await log.close()
  expect(await verifyLines(dir, await linesOf(source))).toMatchObject({
    verdict: 'sound',
    logs: [{ signedSize: 3 }],
  })
})

test('the signing key is for its owner alone, and its public half is listed', async () => {
  const dir = folder()
  const log = openLog(dir, createMemoryAuditLedger().ledger, { clock: createOwnClock() })
  await log.tick()
  expect(statSync(join(dir, 'keys', '0001.pem')).mode & 0o777).toBe(0o600)
  const keys = readPublicKeys(dir).map(readNoteKey)
  expect(keys).toHaveLength(1)
  const note = readNote(
    splitNotes(readFileSync(join(dir, 'checkpoints', 'gw_test-2026-11.txt'), 'utf8'))[0] ?? '',
  )
  expect(
    note &&
      verifyNote(
        note,
        keys.filter((key) => key !== null),
      ),
  ).toHaveLength(1)
  expect(readFileSync(join(dir, 'public-keys.txt'), 'utf8')).not.toContain('PRIVATE')
})

test('a new key is introduced by the old one, so that who knows the first believes the last', async () => {
  const dir = folder()
  const clock = createOwnClock()
  const { ledger, source } = createMemoryAuditLedger()
  const log = openLog(dir, ledger, { clock })
  await log.take(batchAt(0, exchanges(0, 8)))
  const [first] = readPublicKeys(dir)
  addAuditKey(dir, { read: readSecretFile, create: createSecretFile })
  await log.take(batchAt(8, exchanges(8, 24)))
  const lines = await linesOf(source)
  const keys = first === undefined ? [] : [first]
  expect(await verifyLines(dir, lines, { keys })).toMatchObject({ verdict: 'sound' })
  // Without the introduction the new key is a stranger.
  const cut = lines.filter((line) => line.kind !== 'checkpoint' || !line.note.includes('next-key'))
  const { findings } = await verifyLines(dir, cut, { keys })
  expect(findings.map(({ message }) => message).join('\n')).toContain('no valid signature')
})

test('a crash anywhere, any number of times: every record once, in order, and one story of checkpoints', async () => {
  const faults = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      faults,
      fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 1, maxLength: 8 }),
      async (crashes, sizes) => {
        const dir = mkdtempSync(join(tmpdir(), 'tollgate-audit-'))
        const memory = createMemoryAuditLedger()
        const clock = createOwnClock()
        let stored: AuditState | undefined
        let fuse = Number.POSITIVE_INFINITY
        const dare = (): void => {
          fuse -= 1
          if (fuse === 0) throw new Error('killed')
        }
        const life = () =>
          openLog(
            dir,
            {
              ...memory.ledger,
              insertEntries: async (rows) => {
                dare()
                await memory.ledger.insertEntries(rows)
                dare()
              },
              insertCheckpoints: async (gateway, signed) => {
                dare()
                await memory.ledger.insertCheckpoints(gateway, signed)
                dare()
              },
            },
            {
              clock,
              load: async () => stored,
              store: async (state) => {
                dare()
                stored = state
                dare()
              },
            },
          )
        const records = exchanges(0, 40)
        let committed = 0
        let log = life()
        // Bounded, so that a log which takes nothing any more fails and does not hang.
        for (let turn = 0; committed < records.length && turn < 200; turn += 1) {
          fuse = crashes[turn] ?? Number.POSITIVE_INFINITY
          clock.pass(turn % 3 === 0 ? 61_000 : 10)
          const batch = batchAt(
            committed,
            records.slice(committed, committed + (sizes[turn % sizes.length] ?? 5)),
          )
          try {
            await log.tick()
            await log.take(batch)
            dare()
            committed = batch.next.offset
          } catch {
            log = life()
          }
        }
        fuse = Number.POSITIVE_INFINITY
        await log.close()
        expect(memory.rows().map(({ seq, record_id: id }) => `${seq} ${id}`)).toEqual(
          records.map((_, seq) => `${seq} exch_${seq}`),
        )
        expect(await verifyLines(dir, await linesOf(memory.source))).toMatchObject({
          verdict: 'sound',
          findings: [],
        })
        rmSync(dir, { recursive: true, force: true })
      },
    ),
    { numRuns: 40 },
  )
})

test('a journal whose cursor was lost comes again from its start, and nothing is kept twice', async () => {
  const dir = folder()
  const { ledger, source, rows } = createMemoryAuditLedger()
  const clock = createOwnClock()
  const log = openLog(dir, ledger, { clock })
  await log.take(batchAt(0, exchanges(0, 5)))
  await log.take(batchAt(5, exchanges(5, 9)))
  const again = openLog(dir, ledger, { clock })
  await again.take({ ...batchAt(0, exchanges(0, 12)), from: { segment: 0, offset: 0 } })
  await again.close()
  expect(rows().map((row) => row.record_id)).toEqual(exchanges(0, 12).map((_, n) => `exch_${n}`))
  expect(await verifyLines(dir, await linesOf(source))).toMatchObject({ verdict: 'sound' })
})

test('two records about one exchange are two entries, also when the journal comes again', async () => {
  const dir = folder()
  const { ledger, rows } = createMemoryAuditLedger()
  const clock = createOwnClock()
  const verification = { kind: 'verification', exchange_id: 'exch_0', checked_at_ms: 5 }
  await openLog(dir, ledger, { clock }).take(batchAt(0, [exchange(0)]))
  const again = openLog(dir, ledger, { clock })
  await again.take({ ...batchAt(0, [exchange(0), verification]), from: { segment: 0, offset: 0 } })
  expect(rows().map((row) => [row.kind, row.record_id])).toEqual([
    ['exchange', 'exch_0'],
    ['verification', 'exch_0'],
  ])
})

test('a state from a backup signs no second story: a new log begins', async () => {
  const dir = folder()
  const { ledger, source } = createMemoryAuditLedger()
  const clock = createOwnClock()
  const log = openLog(dir, ledger, { clock })
  await log.take(batchAt(0, exchanges(0, 8)))
  const backup = await loadState(dir)
  await log.take(batchAt(8, exchanges(8, 16)))
  if (backup !== undefined) await storeState(dir, backup)
  const next = openLog(dir, ledger, { clock, begin: () => emptyState('gw_next') })
  await next.take(batchAt(16, exchanges(16, 24)))
  const { verdict, logs } = await verifyLines(dir, await linesOf(source))
  expect(verdict).toBe('sound')
  expect(logs.map(({ gateway, signedSize }) => [gateway, signedSize])).toEqual([
    ['gw_test', 16],
    ['gw_next', 8],
  ])
})

test('a damaged state stops the log with a way out, and makes nothing up', async () => {
  const dir = folder()
  const { ledger } = createMemoryAuditLedger()
  await openLog(dir, ledger, { clock: createOwnClock() }).take(batchAt(0, exchanges(0, 1)))
  writeFileSync(join(dir, 'state.json'), '{"gateway":')
  const log = openLog(dir, ledger, { clock: createOwnClock() })
  await expect(log.take(batchAt(1, exchanges(1, 2)))).rejects.toThrow('move it away')
})
