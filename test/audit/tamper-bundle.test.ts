// Whatever is done to a bundle is found, and found where it was done.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BundleLine } from '../../src/audit/bundle.ts'
import { createEntryMaker } from '../../src/audit/entry.ts'
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

const dir = mkdtempSync(join(tmpdir(), 'tollgate-audit-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
let sound: readonly BundleLine[] = []
beforeAll(async () => {
  const clock = createOwnClock()
  const { ledger, source } = createMemoryAuditLedger()
  const log = openLog(dir, ledger, { clock })
  await log.take(batchAt(0, exchanges(0, 40)))
  clock.pass(60_000)
  await log.tick()
  sound = await linesOf(source)
})

const isEntry = (line: BundleLine, seq: number): boolean => line.kind === 'entry' && line.seq === seq
const isCheckpoint = (line: BundleLine, number: number): boolean =>
  line.kind === 'checkpoint' && line.number === number
/** The lines with those that satisfy replaced. */
const replaced = (is: (line: BundleLine) => boolean, by: (line: BundleLine) => readonly BundleLine[]) =>
  sound.flatMap((line) => (is(line) ? by(line) : [line]))

/** The text of an entry with another caller, its hash with it or not. */
function forged(line: BundleLine, withHash: boolean): readonly BundleLine[] {
  if (line.kind !== 'entry') return [line]
  const entry = line.entry.replace('"ada"', '"eve"')
  const { row } = createEntry(
    { ...exchange(line.seq), caller: 'eve' },
    {
      gateway: 'gw_test',
      seq: line.seq,
      prev: /"prev":"([^"]+)"/.exec(line.entry)?.[1] ?? '',
    },
  )
  return [{ ...line, entry, ...(withHash ? { leaf_hash: row.leaf_hash } : {}) }]
}

test('an untouched bundle is sound', async () => {
  expect(await verifyLines(dir, sound)).toMatchObject({
    verdict: 'sound',
    findings: [],
    logs: [{ entries: 40, checkpoints: 6, signedSize: 40, keysFrom: 'elsewhere' }],
  })
})

/** Every entry of the bundle in turn: the newest is a case of its own, and chance would leave it out. */
async function check(run: (seq: number) => Promise<void>): Promise<void> {
  for (let seq = 0; seq < 40; seq += 1) await run(seq)
}

test('an altered entry is found at its number', () =>
  check(async (seq) => {
    const { verdict, findings } = await verifyLines(
      dir,
      replaced(
        (line) => isEntry(line, seq),
        (line) => forged(line, false),
      ),
    )
    expect([verdict, findings.length, findings[0]?.seq]).toEqual(['tampered', 1, seq])
  }))

test('an entry altered together with its hash is found at its number, the newest one in its checkpoint', () =>
  check(async (seq) => {
    const { verdict, findings } = await verifyLines(
      dir,
      replaced(
        (line) => isEntry(line, seq),
        (line) => forged(line, true),
      ),
    )
    expect([verdict, findings.length]).toEqual(['tampered', 1])
    // Nothing comes after entry 39 that was chained to it.
    expect(findings[0]?.seq).toBe(seq === 39 ? 32 : seq)
  }))

test('a deleted entry is found to be missing, by its number', () =>
  check(async (seq) => {
    const { verdict, findings } = await verifyLines(
      dir,
      replaced(
        (line) => isEntry(line, seq),
        () => [],
      ),
    )
    expect([verdict, findings[0]?.seq]).toEqual(['incomplete', seq])
    expect(findings).toHaveLength(1)
  }))

test('two entries that changed places are found where the first of them stood', () =>
  check(async (seq) => {
    if (seq % 8 === 7) return
    const at = sound.findIndex((line) => isEntry(line, seq))
    const swapped = [...sound.slice(0, at), ...sound.slice(at, at + 2).toReversed(), ...sound.slice(at + 2)]
    const { verdict, findings } = await verifyLines(dir, swapped)
    expect([verdict, findings[0]?.seq]).toEqual(['tampered', seq])
  }))

test('two entries that changed texts are found where the first of them stood', () =>
  check(async (seq) => {
    const other = sound.find((line) => isEntry(line, (seq + 1) % 40))
    const lines = replaced(
      (line) => isEntry(line, seq),
      (line) => (line.kind === 'entry' && other?.kind === 'entry' ? [{ ...other, seq: line.seq }] : [line]),
    )
    const { verdict, findings } = await verifyLines(dir, lines)
    expect([verdict, findings[0]?.seq]).toEqual(['tampered', seq])
  }))

test('an inserted entry is found where it stands', () =>
  check(async (seq) => {
    const lines = replaced(
      (line) => isEntry(line, seq),
      (line) => [line, ...forged(line, true)],
    )
    const { verdict, findings } = await verifyLines(dir, lines)
    expect([verdict, findings[0]?.seq]).toEqual(['tampered', seq])
  }))

test('an entry behind the last checkpoint is no part of a bundle', async () => {
  const { row } = createEntry(exchange(40), { gateway: 'gw_test', seq: 40, prev: 'x' })
  const { gateway: _gateway, kind, ...rest } = row
  const end: BundleLine = { kind: 'end' }
  const extra: BundleLine = { ...rest, kind: 'entry', record_kind: kind }
  const { verdict, findings } = await verifyLines(dir, [...sound.slice(0, -1), extra, end])
  expect([verdict, findings.at(-1)?.seq]).toEqual(['tampered', 40])
})

test('a kind, id or time that is not the text’s own is found', () =>
  check(async (seq) => {
    for (const lie of [{ record_kind: 'policy_change' }, { record_id: 'exch_x' }, { occurred_at_ms: 1 }]) {
      const lines = replaced(
        (line) => isEntry(line, seq),
        (line) => (line.kind === 'entry' ? [{ ...line, ...lie }] : [line]),
      )
      expect(await verifyLines(dir, lines)).toMatchObject({ verdict: 'tampered', findings: [{ seq }] })
    }
  }))

test('a missing checkpoint is found by its number', async () => {
  for (const number of [0, 1, 2, 3, 4]) {
    const { verdict, findings } = await verifyLines(
      dir,
      replaced(
        (line) => isCheckpoint(line, number),
        () => [],
      ),
    )
    expect(verdict).toBe('incomplete')
    expect(findings[0]?.message).toContain(
      number === 0 ? 'checkpoints 0 to 0' : `checkpoints ${number} to ${number}`,
    )
  }
})

test('a checkpoint that was altered, or signed by somebody else, is found by its number', async () => {
  const strangerDir = mkdtempSync(join(tmpdir(), 'tollgate-audit-'))
  const { ledger, source } = createMemoryAuditLedger()
  await openLog(strangerDir, ledger, { clock: createOwnClock() }).take(batchAt(0, exchanges(0, 40)))
  const strange = await linesOf(source)
  rmSync(strangerDir, { recursive: true, force: true })
  expect(await verifyLines(dir, strange)).toMatchObject({
    verdict: 'tampered',
    findings: [0, 1, 2, 3, 4, null].map((checkpoint) => ({ checkpoint })),
  })
  for (const change of [
    (note: string) => note.replace('number 2', 'number 3'),
    (note: string) => note.replace(/time 2026/, 'time 2027'),
    (note: string) => note.replace(/— (\S+) .../, '— $1 AAA'),
    () => 'nonsense',
  ]) {
    const lines = replaced(
      (line) => isCheckpoint(line, 2),
      (line) => (line.kind === 'checkpoint' ? [{ ...line, note: change(line.note) }] : [line]),
    )
    const { verdict, findings } = await verifyLines(dir, lines)
    expect([verdict, findings[0]?.checkpoint]).toEqual(['tampered', 2])
  }
})

test('a bundle that was cut off anywhere is incomplete', async () => {
  for (let length = 0; length < sound.length; length += 1) {
    const { verdict } = await verifyLines(dir, sound.slice(0, length))
    expect(verdict === 'sound', `cut after line ${length}`).toBe(false)
  }
})

test('a bundle cut at a checkpoint and ended again is found by what was anchored, or by the time asked for', async () => {
  const at = sound.findIndex((line) => isCheckpoint(line, 2))
  const end: BundleLine = { kind: 'end' }
  const cut = [...sound.slice(0, at + 1), end]
  const anchors = sound.flatMap((line) =>
    line.kind === 'checkpoint' && line.number === 4 ? [line.note] : [],
  )
  expect(await verifyLines(dir, cut)).toMatchObject({ verdict: 'sound' })
  const { verdict, findings } = await verifyLines(dir, cut, { anchors })
  expect([verdict, findings[0]?.seq]).toEqual(['incomplete', 24])
  expect(findings[0]?.message).toContain('entries 24 to 39')
  expect(await verifyLines(dir, cut, { toMs: Date.UTC(2026, 10, 1) + 30_000 })).toMatchObject({
    verdict: 'incomplete',
  })
  expect(await verifyLines(dir, sound, { anchors, toMs: Date.UTC(2026, 10, 1) + 60_000 })).toMatchObject({
    verdict: 'sound',
  })
})

test('one who holds the key and rewrites everything is found by what was anchored', async () => {
  const clock = createOwnClock()
  const { ledger, source } = createMemoryAuditLedger()
  let begun = false
  const log = openLog(dir, ledger, {
    clock,
    // A second story under the same name and key.
    load: async () => {
      if (begun) throw new Error('opened twice')
      begun = true
      return undefined
    },
    store: async () => undefined,
    anchors: [],
  })
  await log.take(
    batchAt(
      0,
      exchanges(0, 40).map((record) => ({ ...record, caller: 'eve' })),
    ),
  )
  const rewritten = await linesOf(source)
  const anchors = sound.flatMap((line) =>
    line.kind === 'checkpoint' && line.number === 1 ? [line.note] : [],
  )
  expect(await verifyLines(dir, rewritten)).toMatchObject({ verdict: 'sound' })
  expect(await verifyLines(dir, rewritten, { anchors })).toMatchObject({
    verdict: 'tampered',
    findings: [{ checkpoint: 1 }],
  })
})

test('any single change of a character in any line is found', async () => {
  const texts = sound.map((line) => JSON.stringify(line))
  const place = fc.record({
    line: fc.nat(texts.length - 2),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  })
  await fc.assert(
    fc.asyncProperty(place, fc.constantFrom('x', '0', '"', ' '), async ({ line, at }, character) => {
      const text = texts[line] ?? ''
      const index = Math.floor(at * text.length)
      const changed = text.slice(0, index) + character + text.slice(index + 1)
      // JSON may say the same in other words; only what it says counts. The names of keys are given from elsewhere.
      let same = changed === text
      try {
        same ||= JSON.stringify(JSON.parse(changed)) === text
      } catch {
        // Then it is no JSON, and that is found.
      }
      if (same || (line === 0 && /"keys"/.test(text.slice(0, index + 1)))) return
      if (/"last_leaf":"[^"]*$/.test(text.slice(0, index))) return
      const { verdict } = await verifyLines(
        dir,
        texts.map((each, n) => (n === line ? changed : each)),
      )
      expect(verdict === 'sound', changed).toBe(false)
    }),
    { numRuns: 300 },
  )
})
