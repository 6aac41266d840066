// The command line against a real admin listener: what it prints, where, and with which exit code.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { runTollgate } from '../../src/cli/tollgate.ts'
import { startAdminListener, usageLine, usageReport } from '../support/admin-listener.ts'

type Surroundings = {
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

/** Runs one command line and returns what a shell would see. */
async function tollgate(args: readonly string[], { env = {}, files = {} }: Surroundings = {}) {
  let out = ''
  let err = ''
  const exitCode = await runTollgate(args, {
    env,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return text
    },
    untilStopped: () => Promise.resolve(),
  })
  return { exitCode, out, err }
}

const admin = { TOLLGATE_KEY: 'admin' }
const words = (row: string | undefined) => row?.trim().split(/\s{2,}/) ?? []

test('usage prints each line and the total, exact to the last decimal', async () => {
  const line = { input_tokens: 1_234_567, output_tokens: 89, running_ms: 61_000, sessions: 3 }
  const { url } = await startAdminListener({
    loadUsageReport: async (query) =>
      usageReport(
        query,
        [usageLine({ key: 'payments', ...line, cost_usd: '12.340000000001' }), usageLine({ key: 'search' })],
        usageLine({
          key: 'total',
          ...line,
          unpriced_requests: 2,
          model_requests: 9,
          cost_usd: '12.340000000001',
        }),
      ),
  })
  const { exitCode, out, err } = await tollgate(['usage', '--url', url], { env: admin })
  expect([exitCode, err]).toEqual([0, ''])
  const rows = out.trimEnd().split('\n')
  expect(rows[0]).toBe('usage by team, 2026-10-01 00:00 to 2026-10-15 12:00 (UTC)')
  expect(words(rows[1])[0]).toBe('team')
  expect(words(rows[2])).toEqual([
    'payments',
    '1,234,567',
    '89',
    '0',
    '0',
    '61.0',
    '0.0',
    '3',
    // Unpriced requests have a column of their own as soon as there is one.
    '0',
    '12.340000000001',
  ])
  expect(words(rows[3]).at(-1)).toBe('0.000000000000')
  expect(words(rows[4])[0]).toBe('total')
  expect(rows[5]).toBe(
    'note: 2 of 9 model requests have no known price: only what the provider stated of their sessions is in the cost',
  )
})

test('every option reaches the listener as it was written', async () => {
  const { url, queries } = await startAdminListener()
  const args = [
    'usage',
    '--url',
    url,
    '-g',
    'agent_version',
    '--from',
    '2026-09-01',
    '--to',
    '2026-09-02',
    '--bucket',
    'hour',
  ]
  expect((await tollgate(args, { env: admin })).exitCode).toBe(0)
  expect(queries).toEqual([
    { groupBy: 'agent_version', fromMs: Date.UTC(2026, 8, 1), toMs: Date.UTC(2026, 8, 2), bucket: 'hour' },
  ])
})

test('--json and --csv are the listener’s own bytes', async () => {
  const { url, get } = await startAdminListener()
  const surroundings = { env: { ...admin, TOLLGATE_ADMIN_URL: url } }
  const json = await tollgate(['usage', '--json'], surroundings)
  expect(json.out).toBe(await (await get('/api/v1/usage', 'admin')).text())
  const csv = await tollgate(['usage', '--csv'], surroundings)
  expect(csv.out).toBe(await (await get('/api/v1/usage?format=csv', 'admin')).text())
})

test('a name cannot drive the terminal', async () => {
  const key = 'evil\u001b[2J\u202e'
  const { url } = await startAdminListener({
    loadUsageReport: async (query) => usageReport(query, [usageLine({ key })], usageLine({ key: 'total' })),
  })
  const { out } = await tollgate(['usage', '--url', url], { env: admin })
  expect(out).toContain('evil�[2J�')
  expect(out).not.toContain('\u001b')
  expect(out).not.toContain('\u202e')
})

test('a key file wins over the variable, and its last newline does not matter', async () => {
  const { url } = await startAdminListener()
  const args = ['usage', '--url', url, '--key-file', 'my.key']
  const files = { 'my.key': 'auditor\n' }
  expect((await tollgate(args, { env: { TOLLGATE_KEY: 'nobody' }, files })).exitCode).toBe(0)
})

test('each way to fail has its own sentence and exit code, and none repeats the key', async () => {
  const { url } = await startAdminListener()
  const key = 'tg_live_marker'
  const usage = ['usage', '--url', url]
  const cases = [
    { args: usage, env: {}, code: 2, says: 'set TOLLGATE_KEY' },
    { args: usage, env: { TOLLGATE_KEY: key }, code: 3, says: 'the key was refused' },
    { args: usage, env: { TOLLGATE_KEY: 'developer' }, code: 3, says: 'the key may not do this' },
    { args: usage, env: { TOLLGATE_KEY: `${key}\n${key}` }, code: 2, says: 'holds blanks' },
    { args: [...usage, '--key-file', 'none'], env: {}, code: 2, says: 'cannot read the key file `none`' },
    { args: [...usage, '--from', 'noon'], env: admin, code: 2, says: '`from` is neither a date' },
    { args: [...usage, '--group-by', 'planet'], env: admin, code: 2, says: 'environment' },
    { args: [...usage, '--json', '--csv'], env: admin, code: 2, says: 'cannot be used with' },
    { args: ['usage', '--url', 'nonsense'], env: admin, code: 2, says: 'is not an http or https URL' },
    // Port 1 is reserved: fetch itself refuses it, as a closed port would.
    {
      args: ['usage', '--url', 'http://127.0.0.1:1'],
      env: { TOLLGATE_KEY: key },
      code: 1,
      says: 'is Tollgate running',
    },
    { args: ['frobnicate'], env: {}, code: 2, says: 'frobnicate' },
  ]
  for (const { args, env, code, says } of cases) {
    const { exitCode, out, err } = await tollgate(args, { env })
    expect([args, exitCode, out]).toEqual([args, code, ''])
    expect(err).toContain(says)
    expect(err).not.toContain('marker')
  }
})

test('a ledger that is away is 1, with the request id to look for in the log', async () => {
  const { url } = await startAdminListener({
    loadUsageReport: () => Promise.reject(new Error('away')),
  })
  const away = await tollgate(['usage', '--url', url], { env: admin })
  expect([away.exitCode, away.err]).toEqual([
    1,
    expect.stringContaining('not available right now (request req_'),
  ])
})

test('whatever else may answer on that port is not mistaken for an admin listener', async () => {
  const server = createServer((_request, response) => void response.writeHead(500).end('<html>'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { exitCode, err } = await tollgate(['usage', '--url', `http://127.0.0.1:${port}`], { env: admin })
  expect(exitCode).toBe(1)
  expect(err).toContain("not as Tollgate's admin listener does")
})

test('--help tells every command and option, and is not a failure', async () => {
  const top = await tollgate(['--help'])
  expect(top.exitCode).toBe(0)
  for (const name of ['start', 'simulate', 'usage', 'migrate', 'Exit codes']) expect(top.out).toContain(name)
  const usage = await tollgate(['usage', '--help'])
  for (const name of ['--group-by', '--from', '--to', '--bucket', '--json', '--csv', '--url', '--key-file']) {
    expect(usage.out).toContain(name)
  }
  expect(usage.out).not.toMatch(/--key[ =<]/)
})

test('a configuration that cannot be used ends start with 1 and every problem of it', async () => {
  const env = { TOLLGATE_LISTEN: 'nowhere', TOLLGATE_LOG_LEVEL: 'loud' }
  for (const command of ['start', 'migrate']) {
    const { exitCode, out, err } = await tollgate([command], { env })
    expect([exitCode, out]).toEqual([1, ''])
    expect(err).toContain('  - TOLLGATE_LISTEN: `nowhere`')
    expect(err).toContain('  - TOLLGATE_LOG_LEVEL: `loud`')
  }
})

test('simulate prints an address and key that answer until it is stopped', async () => {
  const { exitCode, out } = await tollgate(['simulate', '--port', '0'])
  expect(exitCode).toBe(0)
  expect(out).toMatch(/answers at http:\/\/127\.0\.0\.1:\d+\n/)
  expect(out).toContain("from '@anthropic-ai/sdk'")
})
