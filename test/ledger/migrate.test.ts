// Migrations on a real engine, and their text for a cluster that no test machine has.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../src/ledger/migrate.ts'
import { renderMigration } from '../../src/ledger/migration-text.ts'
import { splitStatements } from '../../src/ledger/split-statements.ts'
import { startEmbeddedLedger, temporaryFolder } from '../support/embedded-ledger.ts'

const realFolder = new URL('../../src/ledger/migrations/', import.meta.url)
const bootstrap = readFileSync(new URL('0001_schema_migrations.sql', realFolder), 'utf8')
const scratch = temporaryFolder()
let house: Awaited<ReturnType<typeof startEmbeddedLedger>>

beforeAll(async () => {
  house = await startEmbeddedLedger(join(scratch, 'data'))
})
afterAll(() => house.close())
beforeEach(async () => {
  await house.ledger.createDatabase()
  await house.ledger.command('DROP DATABASE tollgate SYNC')
})

let folders = 0
/** A folder of migrations with the bootstrap and these files. */
function folderOf(files: Record<string, string>): URL {
  folders += 1
  const path = join(scratch, `migrations-${folders}`)
  mkdirSync(path)
  for (const [name, sql] of Object.entries({ '0001_schema_migrations.sql': bootstrap, ...files })) {
    writeFileSync(join(path, name), sql)
  }
  return pathToFileURL(`${path}/`)
}

const facts =
  'CREATE TABLE IF NOT EXISTS tollgate.facts /*ON CLUSTER*/ (id UInt64) ENGINE = {MergeTree} ORDER BY id;'

test('every migration of the ledger applies to an empty engine, and once only', async () => {
  const names = readdirSync(realFolder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.replace('.sql', ''))
    .sort()
  expect(await migrate(house.ledger)).toEqual(names)
  expect(await migrate(house.ledger)).toEqual([])
  expect(await house.ledger.query("SELECT engine FROM system.databases WHERE name = 'tollgate'")).toEqual([
    { engine: 'Atomic' },
  ])
})

test('two gateways that migrate at the same moment both succeed, and each migration is remembered once', async () => {
  const folder = folderOf({ '0002_facts.sql': facts })
  await Promise.all([1, 2, 3].map(() => migrate(house.ledger, { folder })))
  expect(await migrate(house.ledger, { folder })).toEqual([])
  const sql = 'SELECT name, count() AS n FROM tollgate.schema_migrations FINAL GROUP BY name ORDER BY name'
  expect(await house.ledger.query(sql)).toEqual([
    { name: '0001_schema_migrations', n: '1' },
    { name: '0002_facts', n: '1' },
  ])
})

test('a migration that was edited after it was applied is refused by name, and nothing runs', async () => {
  await migrate(house.ledger, { folder: folderOf({ '0002_facts.sql': facts }) })
  const folder = folderOf({
    '0002_facts.sql': facts.replace('id UInt64', 'id UInt32'),
    '0003_more.sql': facts.replace('facts', 'more'),
  })
  await expect(migrate(house.ledger, { folder })).rejects.toThrow(
    /`0002_facts` was edited after it was applied/,
  )
  expect(await house.ledger.query("SELECT name FROM system.tables WHERE name = 'more'")).toEqual([])
})

test('a migration that failed half-way is applied whole the next time', async () => {
  const broken = folderOf({ '0002_facts.sql': `${facts} SELECT no_such_column;` })
  await expect(migrate(house.ledger, { folder: broken })).rejects.toMatchObject({ code: '47' })
  expect(await migrate(house.ledger, { folder: folderOf({ '0002_facts.sql': facts }) })).toEqual([
    '0002_facts',
  ])
})

test('two files with one number, or a name without one, are refused', async () => {
  const doubled = folderOf({ '0002_a.sql': facts, '0002_b.sql': facts })
  await expect(migrate(house.ledger, { folder: doubled })).rejects.toThrow(
    /`0002_b.sql`: its number is taken/,
  )
  const unnamed = folderOf({ 'facts.sql': facts })
  await expect(migrate(house.ledger, { folder: unnamed })).rejects.toThrow(/name it like/)
})

test('on a cluster every table is replicated and made on every node; without one the text is plain', () => {
  const sql = 'CREATE TABLE t /*ON CLUSTER*/ (a UInt8)\nENGINE = {ReplacingMergeTree(ver, gone)} ORDER BY a;'
  expect(renderMigration('0009_t', sql, 'c1')).toEqual([
    'CREATE TABLE t ON CLUSTER `c1` (a UInt8)\nENGINE = ReplicatedReplacingMergeTree(ver, gone) ORDER BY a',
  ])
  expect(renderMigration('0009_t', sql)).toEqual([
    'CREATE TABLE t /*ON CLUSTER*/ (a UInt8)\nENGINE = ReplacingMergeTree(ver, gone) ORDER BY a',
  ])
})

test('a migration that would only work without a cluster is refused on every machine', () => {
  const unmarked = '-- why\nCREATE TABLE t (a UInt8) ENGINE = {MergeTree} ORDER BY a'
  expect(() => renderMigration('0009_t', unmarked)).toThrow(/`0009_t`: put \/\*ON CLUSTER\*\//)
  const plain = 'CREATE TABLE t /*ON CLUSTER*/ (a UInt8) ENGINE = MergeTree ORDER BY a'
  expect(() => renderMigration('0009_t', plain)).toThrow(/`0009_t`: write the engine in braces/)
})

test('only semicolons that end a statement split a text', () => {
  const hiding = fc.constantFrom(
    "'a;b'",
    "'it''s;'",
    "'\\';'",
    '"c;d"',
    '`e;f`',
    '/* ; */',
    "-- it's ;\n",
    '$$ ; $$',
    '$x$ ; $$ ; $x$',
    ' ',
    '1',
    ',',
  )
  const statement = fc.array(hiding, { maxLength: 8 }).map((parts) => `SELECT ${parts.join(' ')}`)
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 5 }), (statements) => {
      const text = statements.map((one) => `${one}\n;`).join('\n-- done; next\n')
      const bare = (one: string) => one.replaceAll('-- done; next', '').trim()
      expect(splitStatements(text).map(bare)).toEqual(statements.map((one) => one.trim()))
    }),
  )
})
