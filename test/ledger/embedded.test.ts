// The life of the embedded engine: killed, orphaned, refused, damaged, and still nothing acknowledged is lost.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { EmbeddedEngineError } from '../../src/ledger/embedded/engine-error.ts'
import type { EmbeddedClickHouseOptions } from '../../src/ledger/embedded/supervisor.ts'
import { countRunning, startEmbeddedLedger, temporaryFolder } from '../support/embedded-ledger.ts'

const scratch = temporaryFolder()
let folders = 0
function newFolder(): string {
  folders += 1
  return join(scratch, String(folders))
}

async function startHouse(dataDir: string, options: Partial<EmbeddedClickHouseOptions> = {}) {
  const house = await startEmbeddedLedger(dataDir, options)
  onTestFinished(() => house.close())
  await house.ledger.createDatabase()
  await house.ledger.command(
    'CREATE TABLE IF NOT EXISTS tollgate.facts (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000',
  )
  return house
}

test('after a kill -9 the engine comes back, the same ledger works, and every acknowledged row is there once', async () => {
  const house = await startHouse(newFolder(), { backoffMs: 10 })
  const exits: unknown[] = []
  house.engine.onExit((exit) => exits.push(exit))
  const acknowledged: number[] = []
  let killed = 0
  for (let id = 0; killed < 3 || acknowledged.length < 40; id += 1) {
    if (id % 10 === 5 && killed < 3) {
      const restarted = new Promise<void>((resolve) => house.engine.onRestart(resolve))
      const pid = house.engine.pid()
      // Killed while the insert is on its way.
      const inserting = house.ledger.insert('facts', [{ id }], `fact-${id}`).then(
        () => acknowledged.push(id),
        () => undefined,
      )
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      await inserting
      await restarted
      killed += 1
    }
    // As the journal's writer does: the same batch again, with the same token.
    await house.ledger.insert('facts', [{ id }], `fact-${id}`)
    if (!acknowledged.includes(id)) acknowledged.push(id)
  }
  const rows = await house.ledger.query<{ id: string }>('SELECT id FROM tollgate.facts ORDER BY id')
  expect(rows.map((row) => Number(row.id))).toEqual(acknowledged.sort((a, b) => a - b))
  expect(exits).toEqual(Array.from({ length: 3 }, () => ({ code: null, signal: 'SIGKILL' })))
})

test('rows are there after a clean stop and a new start, and a running query is answered first', async () => {
  const dataDir = newFolder()
  const house = await startHouse(dataDir)
  await house.ledger.insert('facts', [{ id: 1 }], 'one')
  const slow = house.ledger.query('SELECT count() AS n, sleep(2) FROM tollgate.facts')
  await expect.poll(() => countRunning(house.ledger, 'sleep(2)')).toBe(1)
  await house.engine.close()
  expect(await slow).toEqual([{ n: '1', 'sleep(2)': 0 }])
  const again = await startHouse(dataDir)
  expect(await again.ledger.query('SELECT id FROM tollgate.facts')).toEqual([{ id: '1' }])
})

test('a second engine on the same folder is refused by name, and the first goes on', async () => {
  const dataDir = newFolder()
  const house = await startHouse(dataDir)
  const second = await startEmbeddedLedger(dataDir, { lockWaitMs: 0 }).catch((error: unknown) => error)
  expect(second).toBeInstanceOf(EmbeddedEngineError)
  expect(second).toMatchObject({
    reason: 'locked',
    message: `the data folder \`${dataDir}\` is in use by the process ${house.engine.pid()}: stop it, or use another data folder`,
  })
  expect(await house.ledger.ping()).toBe(true)
})

test('the engine ends when its gateway is killed -9, and the next gateway has the folder at once', async () => {
  const dataDir = newFolder()
  const script = fileURLToPath(new URL('../support/embedded-parent.ts', import.meta.url))
  const parent = spawn(process.execPath, ['--import', 'tsx', script, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void parent.kill('SIGKILL'))
  await once(parent.stdout, 'data')
  await expect(startEmbeddedLedger(dataDir, { lockWaitMs: 0 })).rejects.toMatchObject({ reason: 'locked' })
  parent.kill('SIGKILL')
  // The lock is the engine's for as long as it lives.
  const next = await startHouse(dataDir)
  expect(await next.ledger.ping()).toBe(true)
})

test.runIf(process.platform === 'linux')(
  'the engine sees none of the gateway keys, its socket is closed to others, and no argument holds the secret',
  async () => {
    process.env['ANTHROPIC_API_KEY'] = 'sk-ant-not-for-the-engine'
    onTestFinished(() => {
      delete process.env['ANTHROPIC_API_KEY']
    })
    const { engine } = await startHouse(newFolder())
    const environment = readFileSync(`/proc/${engine.pid()}/environ`, 'utf8')
    expect(environment).toContain('TZ=UTC')
    expect(environment).not.toContain('sk-ant')
    const secret = engine.connection.password?.reveal() ?? 'missing'
    expect(environment + readFileSync(`/proc/${engine.pid()}/cmdline`, 'utf8')).not.toContain(secret)
    expect(statSync(engine.connection.socketPath ?? '').mode & 0o777).toBe(0o600)
    expect(JSON.stringify(engine.connection)).not.toContain(secret)
  },
)

test('the memory bound holds: a query that wants more fails, and the engine goes on', async () => {
  const house = await startHouse(newFolder(), { memoryBytes: 300_000_000 })
  const greedy = house.ledger.query(
    'SELECT length(groupArray(repeat(toString(number), 100))) FROM numbers(10000000)',
  )
  await expect(greedy).rejects.toMatchObject({ code: '241' })
  expect(await house.ledger.query("SELECT getSetting('max_memory_usage') AS bytes")).toEqual([
    { bytes: 240_000_000 },
  ])
})

test('a damaged part is reported at the next start', async () => {
  const dataDir = newFolder()
  const house = await startHouse(dataDir)
  await house.ledger.insert(
    'facts',
    Array.from({ length: 1000 }, (_, id) => ({ id })),
    'many',
  )
  await house.close()
  const parts = readdirSync(join(dataDir, 'store'), { recursive: true, encoding: 'utf8' })
  const file = parts.find((path) => path.endsWith('data.bin')) ?? 'no part was found'
  truncateSync(join(dataDir, 'store', file), 3)
  const reported: string[] = []
  await startHouse(dataDir, { onDamagedParts: (parts) => reported.push(...parts) })
  expect(reported).toEqual([expect.stringMatching(/^tollgate\.facts\/.*: broken-on-start$/)])
})

test('a folder that cannot be made is a sentence, not a crash', async () => {
  const file = newFolder()
  writeFileSync(file, '')
  await expect(startEmbeddedLedger(join(file, 'data'))).rejects.toThrow(/did not start on the data folder/)
})

test('a platform without chdb is told what to do', () => {
  const error = new EmbeddedEngineError('platform', '/data', 'no native addon')
  expect(error.message).toContain('set TOLLGATE_CLICKHOUSE_URL to use a ClickHouse server')
})
