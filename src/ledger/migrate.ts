// Brings a ClickHouse to the schema of `migrations/`: each file once, in order, the same on the embedded engine, a
// server and a cluster. What was applied is remembered with its sha256, so history cannot change unseen.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { ClickHouseLedger } from './clickhouse.ts'
import { renderMigration } from './migration-text.ts'

export type MigrateOptions = {
  /** Name of the cluster whose nodes all get the schema, with replicated engines. */
  readonly cluster?: string
  /** Folder of `NNNN_name.sql` files, ending in a slash; default: the one beside this file. */
  readonly folder?: URL
}

type Migration = { readonly name: string; readonly sql: string; readonly sha256: string }

/**
 * Makes the database if need be, applies the migrations that are missing and returns their names, oldest first.
 * Safe to run twice at once and to repeat after a crash, because every statement is idempotent.
 * @throws Error naming the file, when an applied one was edited, when one has a bad or doubled number, or when its
 * text breaks the rules of `migrations/README.md`; LedgerError when ClickHouse refuses a statement.
 */
export async function migrate(
  ledger: ClickHouseLedger,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const migrations = await loadMigrations(options.folder ?? new URL('./migrations/', import.meta.url))
  const [bootstrap] = migrations
  if (bootstrap === undefined) throw new Error('there are no migrations: the folder is empty')
  // Everything is rendered before anything runs, so a bad file stops the whole, not its second half.
  const rendered = new Map(
    migrations.map(({ name, sql }) => [name, renderMigration(name, sql, options.cluster)]),
  )
  const apply = async ({ name }: Migration): Promise<void> => {
    for (const statement of rendered.get(name) ?? []) await ledger.command(statement)
  }

  await ledger.createDatabase(options.cluster)
  // The first one makes the table that remembers; it runs each time, and is remembered like the others.
  await apply(bootstrap)
  const applied = await readApplied(ledger)
  refuseEdited(migrations, applied)
  const missing = migrations.filter(({ name }) => !applied.has(name))
  for (const migration of missing) {
    await apply(migration)
    await ledger.insert(
      'schema_migrations',
      [{ name: migration.name, sha256: migration.sha256 }],
      `migration-${migration.name}-${migration.sha256}`,
    )
  }
  return missing.map(({ name }) => name)
}

async function loadMigrations(folder: URL): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const file of files) {
    const name = file.slice(0, -'.sql'.length)
    if (!/^\d{4}_[a-z0-9_]+$/.test(name)) {
      throw new Error(`migration \`${file}\`: name it like \`0007_what_it_does.sql\``)
    }
    if (migrations.at(-1)?.name.slice(0, 4) === name.slice(0, 4)) {
      throw new Error(`migration \`${file}\`: its number is taken, use the highest plus one`)
    }
    const sql = await readFile(new URL(file, folder), 'utf8')
    migrations.push({ name, sql, sha256: createHash('sha256').update(sql).digest('hex') })
  }
  return migrations
}

const appliedRow = z.object({ name: z.string(), sha256: z.string() })

async function readApplied(ledger: ClickHouseLedger): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await ledger.query('SELECT name, sha256 FROM tollgate.schema_migrations FINAL')
  const applied = new Map<string, Set<string>>()
  for (const row of rows) {
    const { name, sha256 } = appliedRow.parse(row)
    applied.set(name, (applied.get(name) ?? new Set()).add(sha256))
  }
  return applied
}

function refuseEdited(
  migrations: readonly Migration[],
  applied: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  for (const { name, sha256 } of migrations) {
    const known = applied.get(name)
    if (known !== undefined && (known.size > 1 || !known.has(sha256))) {
      throw new Error(
        `migration \`${name}\` was edited after it was applied: restore it, and write the change as a new migration`,
      )
    }
  }
}
