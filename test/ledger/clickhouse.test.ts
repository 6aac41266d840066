// What the ledger's connection promises, on a real embedded engine.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/kernel/secret.ts'
import { createClickHouseLedger, LedgerError } from '../../src/ledger/clickhouse.ts'
import { countRunning, startEmbeddedLedger, temporaryFolder } from '../support/embedded-ledger.ts'

const dataDir = temporaryFolder()
let house: Awaited<ReturnType<typeof startEmbeddedLedger>>

beforeAll(async () => {
  house = await startEmbeddedLedger(dataDir)
  await house.ledger.createDatabase()
})
afterAll(() => house.close())
beforeEach(async () => {
  await house.ledger.command('DROP TABLE IF EXISTS tollgate.amounts')
  await house.ledger.command(
    `CREATE TABLE tollgate.amounts (id UInt64, usd Decimal(38, 9), note String DEFAULT '', at DateTime64(3, 'UTC') DEFAULT 0)
     ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000`,
  )
})

/** One raw request, with URL fields of the test's choice, past `@clickhouse/client`. */
async function ask(sql: string, fields: Record<string, string> = {}, authorization?: string) {
  const { socketPath, username, password } = house.engine.connection
  const basic = Buffer.from(`${username}:${password?.reveal()}`).toString('base64')
  const outgoing = request({
    ...(socketPath !== undefined && { socketPath }),
    path: `/?${new URLSearchParams(fields)}`,
    method: 'POST',
    headers: { authorization: authorization ?? `Basic ${basic}` },
  })
  outgoing.end(sql)
  return outgoing
}

async function answerOf(
  outgoing: Awaited<ReturnType<typeof ask>>,
): Promise<{ status: number; text: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject)
  })
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode ?? 0, text }
}

test('64-bit integers, decimals, texts and times come back exactly as they went in', async () => {
  const row = {
    id: 18_446_744_073_709_551_615n,
    usd: '12345678901234567890.123456789',
    note: "it's \\ \n\t😀",
  }
  await house.ledger.insert('amounts', [{ ...row, at: '2026-11-23T16:00:00.123Z' }], 'exact')
  expect(await house.ledger.query('SELECT * FROM tollgate.amounts')).toEqual([
    { ...row, id: '18446744073709551615', at: '2026-11-23 16:00:00.123' },
  ])
})

test('a text parameter of any content arrives as it is', async () => {
  const text = fc.string({ unit: 'binary' })
  await fc.assert(
    fc.asyncProperty(text, fc.array(text, { maxLength: 5 }), async (one, many) => {
      const [row] = await house.ledger.query<{ one: string; many: string[] }>(
        'SELECT {one: String} AS one, {many: Array(String)} AS many',
        { one, many },
      )
      expect(row).toEqual({ one, many })
    }),
    { numRuns: 50 },
  )
})

test('a parameter too long for a URL arrives whole', async () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `sesn_${index};'x`)
  const sql = 'SELECT length({ids: Array(String)}) AS n, {ids: Array(String)}[20000] AS last'
  expect(await house.ledger.query(sql, { ids })).toEqual([{ n: '20000', last: "sesn_19999;'x" }])
})

test('the output of a failed query never leaks into the next result', async () => {
  const failing = [
    'SELECT number, throwIf(number > 70000) FROM numbers(100000) FORMAT JSON',
    'SELECT number, throwIf(number > 70000) FROM numbers(100000) FORMAT JSONEachRow',
    'SELECT number, sleepEachRow(0.001) FROM numbers(100000) SETTINGS max_execution_time = 0.1, max_block_size = 10 FORMAT JSON',
    'SELECT number FROM numbers(100000) SETTINGS max_result_rows = 1000, max_block_size = 500 FORMAT TabSeparated',
  ]
  for (let round = 0; round < 20; round += 1) {
    const { text } = await answerOf(await ask(failing[round % failing.length] ?? ''))
    expect(text).toContain('DB::Exception')
    // The pool hands out the session used last first.
    expect(await answerOf(await ask('SELECT 7 AS seven FORMAT JSONEachRow'))).toEqual({
      status: 200,
      text: '{"seven":7}\n',
    })
  }
})

test('an exception after the first rows rejects the query instead of shortening it', async () => {
  const sql = 'SELECT number, throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 10000'
  await expect(house.ledger.query(sql)).rejects.toThrow(/FUNCTION_THROW_IF_VALUE_IS_NON_ZERO/)
})

test('settings and the database of one request do not stick to the next', async () => {
  const sql =
    "SELECT getSetting('max_block_size') AS size, getSetting('max_threads') AS threads, currentDatabase() AS db FORMAT JSONEachRow"
  const before = await answerOf(await ask(sql))
  const changed = await answerOf(
    await ask(sql, { max_block_size: '77', max_threads: '1', database: 'system' }),
  )
  expect(changed.text).toBe('{"size":77,"threads":1,"db":"system"}\n')
  expect(await answerOf(await ask(sql))).toEqual(before)
})

test('a request whose settings are refused leaves no trace', async () => {
  const sql = "SELECT getSetting('max_block_size') AS size FORMAT TabSeparated"
  const before = await answerOf(await ask(sql))
  const refused = await answerOf(await ask(sql, { max_block_size: '78', no_such_setting: '1' }))
  expect(refused.text).toContain('UNKNOWN_SETTING')
  expect(await answerOf(await ask(sql))).toEqual(before)
})

test('a parameter that was not sent is an error, also when an earlier request sent one of that name', async () => {
  expect(await house.ledger.query('SELECT {secretish: String} AS x', { secretish: 'mine' })).toEqual([
    { x: 'mine' },
  ])
  await expect(house.ledger.query('SELECT {secretish: String} AS x')).rejects.toMatchObject({ code: '456' })
})

test('whoever has not the secret gets nothing, and is not told it', async () => {
  const { connection } = house.engine
  const stranger = createClickHouseLedger({ ...connection, password: new Secret('guess') })
  await expect(stranger.query('SELECT 1')).rejects.toMatchObject({ code: '516' })
  expect(await stranger.ping()).toBe(false)
  expect(await house.ledger.ping()).toBe(true)
  await stranger.close()
  for (const authorization of ['', 'Basic ', `Bearer ${connection.password?.reveal()}`]) {
    const refused = await answerOf(await ask('SELECT 1', {}, authorization))
    expect(refused.status).toBe(403)
    expect(refused.text).not.toContain(connection.password?.reveal())
  }
})

test('the query of a client that goes away is killed', async () => {
  const marker = 'abandoned_by_its_client'
  const running = () => countRunning(house.ledger, marker)
  for (const format of ['JSONEachRow', 'JSON']) {
    const outgoing = await ask(`SELECT count() AS ${marker} FROM numbers(1000000000000) FORMAT ${format}`)
    outgoing.on('error', () => undefined)
    await expect.poll(running, { timeout: 10_000 }).toBe(1)
    outgoing.destroy()
    await expect.poll(running, { timeout: 10_000 }).toBe(0)
  }
})

test('clients that go away at once, many times over, leave the engine able to serve', async () => {
  for (let round = 0; round < 60; round += 1) {
    const outgoing = await ask('SELECT count() FROM numbers(1000000000000) FORMAT JSONEachRow')
    outgoing.on('error', () => undefined)
    // At another moment each time: before the request is read, before the query is registered, while it runs.
    if (round % 3 > 0) await once(outgoing, 'finish')
    if (round % 3 > 1) await house.ledger.query('SELECT 1')
    outgoing.destroy()
  }
  const answers = await Promise.all(Array.from({ length: 16 }, () => house.ledger.query('SELECT 1 AS one')))
  expect(answers).toEqual(Array.from({ length: 16 }, () => [{ one: 1 }]))
})

test('an insert that is sent again with its token counts once', async () => {
  const rows = [
    { id: 1, usd: '0.5' },
    { id: 2, usd: '0.25' },
  ]
  for (let time = 0; time < 3; time += 1) await house.ledger.insert('amounts', rows, 'batch-1')
  // The same rows under another token are other facts.
  await house.ledger.insert('amounts', rows, 'batch-2')
  expect(await house.ledger.query('SELECT count() AS n, sum(usd) AS usd FROM tollgate.amounts')).toEqual([
    { n: '4', usd: '1.5' },
  ])
})

test('a row with a column that does not exist is refused and nothing of its batch is stored', async () => {
  const rows = [
    { id: 1, usd: '1' },
    { id: 2, usd: '1', surprise: true },
  ]
  await expect(house.ledger.insert('amounts', rows, 'odd')).rejects.toMatchObject({ code: '117' })
  expect(await house.ledger.query('SELECT count() AS n FROM tollgate.amounts')).toEqual([{ n: '0' }])
})

test('a name that is not a plain identifier never reaches the SQL', async () => {
  const trick = 'amounts FORMAT Null; DROP TABLE x'
  await expect(house.ledger.insert(trick, [{ id: 1 }], 't')).rejects.toThrow(/not a plain identifier/)
  await expect(house.ledger.insert('amounts', [{ 'id) SELECT 1 --': 1 }], 't')).rejects.toThrow(/not a plain/)
})

test('two statements in one request are refused, and neither runs', async () => {
  const both = 'TRUNCATE TABLE tollgate.amounts; SELECT 1'
  await house.ledger.insert('amounts', [{ id: 1, usd: '1' }], 'kept')
  await expect(house.ledger.command(both)).rejects.toMatchObject({ code: '62' })
  expect(await house.ledger.query('SELECT count() AS n FROM tollgate.amounts')).toEqual([{ n: '1' }])
})

test('more queries at a time than sessions all get their own answer', async () => {
  const asked = Array.from({ length: 40 }, (_, n) => n)
  const ledger = createClickHouseLedger({ ...house.engine.connection, connectionsMax: 40 })
  const answers = await Promise.all(
    asked.map((n) => ledger.query('SELECT {n: UInt32} AS n, sleep(0.02)', { n })),
  )
  await ledger.close()
  expect(answers).toEqual(asked.map((n) => [{ n, 'sleep(0.02)': 0 }]))
})

test('a query that outlasts its time is given up, and does not run on', async () => {
  const hasty = createClickHouseLedger({ ...house.engine.connection, requestTimeoutMs: 200 })
  const endless = hasty.query('SELECT count() AS outlasting FROM numbers(1000000000000)')
  await expect(endless).rejects.toBeInstanceOf(LedgerError)
  await hasty.close()
  const running = () => countRunning(house.ledger, 'outlasting')
  await expect.poll(running, { timeout: 10_000 }).toBe(0)
})

test('a url with its credentials in it does what the socket does', async () => {
  const { socketPath, username, password } = house.engine.connection
  const relay = createServer((socket) => {
    const engine = connect(socketPath ?? '')
    pipeline(socket, engine, () => undefined)
    pipeline(engine, socket, () => undefined)
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
  const address = relay.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const ledger = createClickHouseLedger({
    url: `http://${username}:${password?.reveal()}@127.0.0.1:${port}`,
  })
  await ledger.insert('amounts', [{ id: 1, usd: '1' }], 'over-tcp')
  expect(await ledger.query('SELECT count() AS n FROM tollgate.amounts')).toEqual([{ n: '1' }])
  expect(await ledger.ping()).toBe(true)
  await ledger.close()
  relay.close()
})

test('no error, however it came about, has the password in it', async () => {
  const password = 'hunter2-hunter2'
  const ledger = createClickHouseLedger({ url: `http://bob:${password}@127.0.0.1:1/ch` })
  const failure = await ledger.query(`SELECT '${password}'`).catch((error: unknown) => error)
  await ledger.close()
  expect(failure).toBeInstanceOf(LedgerError)
  expect(failure).toMatchObject({ code: 'ECONNREFUSED' })
  expect(`${failure} ${JSON.stringify(failure)}`).not.toContain(password)
  expect(() => createClickHouseLedger({ url: `bob:${password}@host` })).toThrow(/^(?!.*hunter2).*https/)
  const echoed = house.ledger.query(`SELECT ${house.engine.connection.password?.reveal().replace(/-/g, '_')}`)
  await expect(echoed).rejects.toBeInstanceOf(LedgerError)
})
