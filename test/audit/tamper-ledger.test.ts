// Whoever can write to ClickHouse can change what stands there, but not so that `audit verify` does not say where.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { splitNotes } from '../../src/audit/anchors.ts'
import { readPublicKeys } from '../../src/audit/audit-keys.ts'
import { verifyProof } from '../../src/audit/proof.ts'
import { keysOf } from '../../src/audit/verify.ts'
import { createAuditShow } from '../../src/audit-show.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { createAuditWrites } from '../../src/ledger/queries/audit-writes.ts'
import { batchAt, createOwnClock, exchanges, openLog, verifyLines } from '../support/audit-world.ts'
import { startEmbeddedLedger } from '../support/embedded-ledger.ts'

const data = mkdtempSync(join(tmpdir(), 'tollgate-audit-'))
const dir = join(data, 'audit')
let engine: Awaited<ReturnType<typeof startEmbeddedLedger>>
const clock = createOwnClock()
let offset = 0

/** Entries under checkpoints of 8, and one more checkpoint a minute later; returns where they begin. */
async function write(count: number): Promise<number> {
  const log = openLog(dir, createAuditWrites(engine.ledger), { clock })
  const from = offset
  await log.take(batchAt(from, exchanges(from, from + count)))
  offset += count
  clock.pass(60_000)
  await log.tick()
  return from
}

beforeAll(async () => {
  engine = await startEmbeddedLedger(join(data, 'clickhouse'))
  await migrate(engine.ledger)
  await write(40)
})
afterAll(async () => {
  await engine.close()
  rmSync(data, { recursive: true, force: true })
})

async function verify(given: { readonly anchors?: readonly string[] } = {}) {
  const lines = []
  for await (const line of createAuditShow(engine.ledger, data).bundle({ withTail: true })) lines.push(line)
  return verifyLines(dir, lines, { isLive: true, ...given })
}

const anchored = (): readonly string[] =>
  readdirSync(join(dir, 'checkpoints')).flatMap((name) =>
    splitNotes(readFileSync(join(dir, 'checkpoints', name), 'utf8')),
  )

const columns = 'gateway, seq, kind, record_id, occurred_at_ms, leaf_hash, entry'

/** Does something to the tables, looks, and puts them back as they were. */
async function after(statements: readonly string[], look: () => Promise<void>): Promise<void> {
  const { command } = engine.ledger
  const tables = ['audit_entries', 'audit_checkpoints']
  for (const table of tables) {
    await command(
      `CREATE TABLE tollgate.${table}_kept ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM tollgate.${table} FINAL`,
    )
  }
  try {
    for (const statement of statements) await command(statement)
    await look()
  } finally {
    for (const table of tables) {
      await command(`TRUNCATE TABLE tollgate.${table}`)
      await command(`INSERT INTO tollgate.${table} SELECT * FROM tollgate.${table}_kept`)
      await command(`DROP TABLE tollgate.${table}_kept`)
    }
  }
}

const waited = 'SETTINGS mutations_sync = 2'

test('what nobody touched is sound, and agrees with what was anchored', async () => {
  expect(await verify({ anchors: anchored() })).toMatchObject({
    verdict: 'sound',
    findings: [],
    logs: [{ entries: 40, signedSize: 40 }],
  })
})

test('an altered entry is found at its number', () =>
  after(
    [
      `ALTER TABLE tollgate.audit_entries UPDATE entry = replace(entry, 'ada', 'eve') WHERE seq = 13 ${waited}`,
    ],
    async () => expect(await verify()).toMatchObject({ verdict: 'tampered', findings: [{ seq: 13 }] }),
  ))

test('an entry that was replaced together with its hash is found at its number', () =>
  after(
    [
      `INSERT INTO tollgate.audit_entries (${columns})
       SELECT gateway, seq, kind, record_id, occurred_at_ms,
              lower(hex(SHA256(concat(char(0), replace(entry, 'ada', 'eve'))))), replace(entry, 'ada', 'eve')
       FROM tollgate.audit_entries WHERE seq = 13`,
      `ALTER TABLE tollgate.audit_entries DELETE WHERE seq = 13 AND entry LIKE '%ada%' ${waited}`,
    ],
    async () => expect(await verify()).toMatchObject({ verdict: 'tampered', findings: [{ seq: 13 }] }),
  ))

test('a column that says something else than the entry is found', () =>
  after(
    [`ALTER TABLE tollgate.audit_entries UPDATE kind = 'policy_change' WHERE seq = 20 ${waited}`],
    async () => expect(await verify()).toMatchObject({ verdict: 'tampered', findings: [{ seq: 20 }] }),
  ))

test('deleted entries are found to be missing, by their numbers', () =>
  after([`ALTER TABLE tollgate.audit_entries DELETE WHERE seq IN (0, 21, 22, 39) ${waited}`], async () => {
    const { verdict, findings } = await verify()
    expect(verdict).toBe('incomplete')
    expect(findings.map(({ seq }) => seq)).toEqual([0, 21, 39])
  }))

test('entries that changed places are found where the first of them stood', () =>
  after(
    [
      `INSERT INTO tollgate.audit_entries (${columns})
       SELECT gateway, 51 - seq, kind, record_id, occurred_at_ms, leaf_hash, entry
       FROM tollgate.audit_entries WHERE seq IN (25, 26)`,
      `ALTER TABLE tollgate.audit_entries DELETE WHERE seq IN (25, 26)
         AND JSONExtractInt(entry, 'seq') = seq ${waited}`,
    ],
    async () => {
      const { verdict, findings } = await verify()
      expect([verdict, findings[0]?.seq]).toEqual(['tampered', 25])
    },
  ))

test('an inserted entry is found where it stands, the true one beside it or not', () =>
  after(
    [
      `INSERT INTO tollgate.audit_entries (${columns})
       SELECT gateway, seq, kind, record_id, occurred_at_ms, lower(hex(SHA256('x'))), replace(entry, 'ada', 'eve')
       FROM tollgate.audit_entries WHERE seq = 30`,
    ],
    async () => {
      const { verdict, findings } = await verify()
      expect([verdict, findings[0]?.seq]).toEqual(['tampered', 30])
    },
  ))

test('an entry invented behind the last one is found as soon as the gateway writes its own', () =>
  after(
    [
      `INSERT INTO tollgate.audit_entries (${columns})
       SELECT gateway, 40, kind, 'exch_40', occurred_at_ms, lower(hex(SHA256(concat(char(0), e)))),
              replace(entry, '"seq":39', '"seq":40') AS e
       FROM tollgate.audit_entries WHERE seq = 39`,
    ],
    async () => {
      const { verdict, findings } = await verify()
      expect([verdict, Math.abs((findings[0]?.seq ?? 0) - 40) <= 1]).toEqual(['tampered', true])
    },
  ))

test('a truncated log is found where it now ends: by its checkpoints, by its anchors, by the next checkpoint', async () => {
  await after([`ALTER TABLE tollgate.audit_entries DELETE WHERE seq >= 35 ${waited}`], async () =>
    expect(await verify()).toMatchObject({ verdict: 'incomplete', findings: [{ seq: 35 }] }),
  )
  const both = [
    `ALTER TABLE tollgate.audit_entries DELETE WHERE seq >= 32 ${waited}`,
    `ALTER TABLE tollgate.audit_checkpoints DELETE WHERE size > 32 ${waited}`,
  ]
  await after(both, async () => {
    const { verdict, findings } = await verify({ anchors: anchored() })
    expect([verdict, findings[0]?.seq]).toEqual(['incomplete', 32])
  })
})

test('a log cut from its beginning is incomplete', () =>
  after(
    [
      `ALTER TABLE tollgate.audit_entries DELETE WHERE seq < 16 ${waited}`,
      `ALTER TABLE tollgate.audit_checkpoints DELETE WHERE size < 16 ${waited}`,
    ],
    async () => expect(await verify()).toMatchObject({ verdict: 'incomplete', findings: [{ seq: 0 }] }),
  ))

test('an altered, a deleted and a doubled checkpoint are found by their numbers', async () => {
  await after(
    [
      `INSERT INTO tollgate.audit_checkpoints
       SELECT gateway, number, size, time_ms, replace(note, 'time 2026', 'time 2027'), frontier, last_leaf
       FROM tollgate.audit_checkpoints WHERE number = 2`,
    ],
    async () => expect(await verify()).toMatchObject({ verdict: 'tampered', findings: [{ checkpoint: 2 }] }),
  )
  await after([`ALTER TABLE tollgate.audit_checkpoints DELETE WHERE number = 3 ${waited}`], async () =>
    expect(await verify()).toMatchObject({ verdict: 'incomplete', findings: [{ checkpoint: 4 }] }),
  )
})

test('an entry is proved to somebody who has the keys alone, and a proof of another entry is none', async () => {
  const audit = createAuditShow(engine.ledger, data)
  const keys = keysOf('gw_test', readPublicKeys(dir))
  for (const n of [0, 7, 8, 21, 39]) {
    const proof = (await audit.prove(`exch_${n}`)) ?? ''
    expect(verifyProof(proof, keys)).toMatchObject({ ok: true, seq: n, gateway: 'gw_test' })
    expect(await audit.prove(`gw_test:${n}`)).toBe(proof)
    const forged = proof.replace(/extra .*/, (await audit.prove('exch_12'))?.match(/extra .*/)?.[0] ?? '')
    expect(verifyProof(forged, keys).ok).toBe(false)
    expect(verifyProof(proof, []).ok).toBe(false)
  }
  expect(await audit.prove('exch_999')).toBeNull()
})

test('after all this the log goes on, and is sound', async () => {
  await write(20)
  expect(await verify({ anchors: anchored() })).toMatchObject({
    verdict: 'sound',
    logs: [{ signedSize: 60 }],
  })
})
