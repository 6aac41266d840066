// The admin listener over real HTTP: who may see what, and that figures leave it exactly as the ledger gave them.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { parse as parseCsv } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { TollgateError } from '../../src/kernel/errors.ts'
import { createReadiness } from '../../src/show/readiness.ts'
import { nowMs, startAdminListener, usageLine, usageReport } from '../support/admin-listener.ts'

const envelope = z.object({
  type: z.literal('error'),
  error: z.object({
    type: z.string(),
    message: z.string(),
    details: z.object({ error_code: z.string() }),
  }),
  request_id: z.string(),
})

async function codeOf(response: Response): Promise<string> {
  const body = envelope.parse(await response.json())
  expect(response.headers.get('request-id')).toBe(body.request_id)
  return body.error.details.error_code
}

test('only live and ready answer without a key; everything else says nothing, not even that it is not there', async () => {
  const { get, queries } = await startAdminListener()
  for (const path of ['/live', '/ready']) expect((await get(path)).status).toBe(200)
  for (const path of ['/metrics', '/api/v1/usage', '/', '/nothing', '/live/', '/LIVE', '//live']) {
    const response = await get(path)
    expect([path, response.status, await codeOf(response)]).toEqual([
      path,
      401,
      'identify.credential_missing',
    ])
  }
  expect((await get('/metrics', 'somebody')).status).toBe(401)
  expect(queries).toEqual([])
})

test('operator, auditor and admin may look; viewer, developer and service may not', async () => {
  const { get, queries } = await startAdminListener()
  for (const role of ['operator', 'auditor', 'admin']) {
    expect((await get('/api/v1/usage', role)).status).toBe(200)
    expect((await get('/metrics', role)).status).toBe(200)
  }
  expect(queries).toHaveLength(3)
  for (const role of ['viewer', 'developer', 'service']) {
    const response = await get('/api/v1/usage', role)
    expect([response.status, await codeOf(response)]).toEqual([403, 'show.forbidden'])
  }
  expect(queries).toHaveLength(3)
})

test('the policy has the last word over the role', async () => {
  const { get, queries } = await startAdminListener({
    authorizeAdmin: (_caller, action) => ({
      kind: 'denial',
      code: 'authorize.denied',
      message: `no rule allows ${action}`,
      rule: '',
    }),
  })
  const response = await get('/api/v1/usage', 'admin')
  expect(response.status).toBe(403)
  expect(await response.text()).toContain('no rule allows usage.read')
  expect(queries).toEqual([])
})

test('the report covers this calendar month unless it is asked otherwise, always in UTC', async () => {
  const { get, queries } = await startAdminListener()
  const asked = async (query: string) => {
    expect([query, (await get(`/api/v1/usage?${query}`, 'admin')).status]).toEqual([query, 200])
    return queries.at(-1)
  }
  const october = Date.UTC(2026, 9, 1)
  expect(await asked('')).toEqual({ groupBy: 'team', fromMs: october, toMs: nowMs })
  expect(await asked('to=2026-10-01&group_by=model')).toEqual({
    groupBy: 'model',
    fromMs: Date.UTC(2026, 8, 1),
    toMs: october,
  })
  const zoned = 'from=2026-10-01T00:00:00%2B02:00&to=2026-10-02T00:00:00&bucket=hour'
  expect(await asked(zoned)).toEqual({
    groupBy: 'team',
    fromMs: october - 7_200_000,
    toMs: Date.UTC(2026, 9, 2),
    bucket: 'hour',
  })
})

test('a wrong query is refused by the name of every wrong parameter, and asks the ledger nothing', async () => {
  const { get, queries } = await startAdminListener()
  const refused = async (query: string, ...named: string[]) => {
    const response = await get(`/api/v1/usage?${query}`, 'admin')
    const body = envelope.parse(await response.json())
    expect([query, response.status, body.error.details.error_code]).toEqual([
      query,
      400,
      'show.query_invalid',
    ])
    for (const name of named) expect(body.error.message).toContain(`\`${name}\``)
  }
  await refused(
    'group_by=planet&from=yesterday&to=2026-13-01&bucket=week&format=xml&agent=a',
    ...[...['group_by', 'from', 'to', 'bucket', 'format', 'agent']],
  )
  await refused('from=2026-10-01&from=2026-10-02', 'from')
  await refused('from=2026-10-02&to=2026-10-02', 'from', 'to')
  await refused('from=2026-02-30', 'from')
  await refused('from=2020-01-01&bucket=hour', 'bucket=day')
  expect(queries).toEqual([])
})

test('the JSON report is the ledger’s, every decimal of it', async () => {
  const line = usageLine({ key: 'payments', input_tokens: 1234, cost_usd: '12345678901234.123456789012' })
  const total = { ...line, key: 'total' }
  const { get } = await startAdminListener({
    loadUsageReport: async (query) => usageReport(query, [line], total),
  })
  const response = await get('/api/v1/usage', 'auditor')
  expect(await response.json()).toMatchObject({ group_by: 'team', currency: 'USD', lines: [line], total })
})

test('CSV comes on `format=csv` and on Accept, and format wins', async () => {
  const { get } = await startAdminListener()
  const typeOf = async (query: string, accept: string) =>
    (await get(`/api/v1/usage${query}`, 'admin', { accept })).headers.get('content-type')?.split(';')[0]
  expect(await typeOf('?format=csv', '*/*')).toBe('text/csv')
  expect(await typeOf('', 'text/csv')).toBe('text/csv')
  expect(await typeOf('?format=json', 'text/csv')).toBe('application/json')
  expect(await typeOf('', '*/*')).toBe('application/json')
})

test('any name survives CSV, and none of them is a formula to a spreadsheet', async () => {
  let key = ''
  const { get } = await startAdminListener({
    loadUsageReport: async (query) => {
      const line = usageLine({ key, sessions: 2, cost_usd: '0.000000000001' })
      return usageReport(query, [line], line)
    },
  })
  const nasty = fc.array(fc.constantFrom('=', '+', '-', '@', '"', ',', '\r', '\n', '\t', 'é', '1', 'A', ' '))
  await fc.assert(
    fc.asyncProperty(nasty, async (characters) => {
      key = characters.join('')
      const csv = await (await get('/api/v1/usage?format=csv', 'admin')).text()
      const rows: unknown = parseCsv(csv, { columns: true, record_delimiter: '\r\n' })
      const [row] = z.array(z.record(z.string(), z.string())).length(1).parse(rows)
      const cell = row?.['key'] ?? ''
      expect([key, `'${key}`]).toContain(cell)
      if (!/^-?\d+$/.test(cell)) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/)
      expect(row).toMatchObject({ group_by: 'team', sessions: '2', cost_usd: '0.000000000001' })
    }),
    { numRuns: 150 },
  )
})

test('ready is 503 and says which part is not well, never what the part threw', async () => {
  const { get } = await startAdminListener({
    readinessTimeoutMs: 20,
    readiness: [
      { name: 'ledger', check: async () => null },
      { name: 'journal', check: () => 'the backlog is over its limit' },
      { name: 'policies', check: () => Promise.reject(new Error('password hunter2 refused at db.internal')) },
      { name: 'upstream', check: () => new Promise(() => {}) },
    ],
  })
  const response = await get('/ready')
  expect(response.status).toBe(503)
  expect(await response.json()).toEqual({
    ready: false,
    checks: [
      { name: 'ledger', ok: true },
      { name: 'journal', ok: false, reason: 'the backlog is over its limit' },
      { name: 'policies', ok: false, reason: 'the check failed' },
      { name: 'upstream', ok: false, reason: 'did not answer within 20 ms' },
    ],
  })
})

test('many who ask for readiness at once are one question to the ledger', async () => {
  const answers: ((reason: string | null) => void)[] = []
  const ready = createReadiness(
    [{ name: 'ledger', check: () => new Promise((resolve) => void answers.push(resolve)) }],
    60_000,
  )
  const round = Array.from({ length: 100 }, () => ready())
  expect(answers).toHaveLength(1)
  answers[0]?.(null)
  expect(new Set((await Promise.all(round)).map((state) => state.ready))).toEqual(new Set([true]))
  const later = ready()
  answers[1]?.('away')
  expect((await later).ready).toBe(false)
})

test('a ledger that is away is a 503 without its reasons, which go to the log', async () => {
  const cause = new Error('http://admin:hunter2@10.0.0.9:8123 refused')
  const { get, refusals } = await startAdminListener({ loadUsageReport: () => Promise.reject(cause) })
  const response = await get('/api/v1/usage', 'admin')
  const body = await response.clone().text()
  expect([response.status, await codeOf(response)]).toEqual([503, 'show.unavailable'])
  expect(body).not.toMatch(/hunter2|10\.0\.0\.9/)
  expect(refusals).toMatchObject([{ code: 'show.unavailable', cause }])
})

test('a report that is refused says why, as a 400', async () => {
  const { get } = await startAdminListener({
    loadUsageReport: async () => {
      throw new TollgateError('show.query_invalid', 'more than 100,000 lines; ask for less time')
    },
  })
  const response = await get('/api/v1/usage', 'admin')
  expect(response.status).toBe(400)
  expect(envelope.parse(await response.json()).error.message).toContain('ask for less time')
})

test('what nobody planned for is a 500 in the envelope, without its reasons', async () => {
  const { get } = await startAdminListener({
    metrics: { exposition: () => Promise.reject(new Error('hunter2 in a stack')) },
  })
  const response = await get('/metrics', 'admin')
  expect(await response.clone().text()).not.toContain('hunter2')
  expect([response.status, await codeOf(response)]).toEqual([500, 'gateway.internal'])
})

test('an unknown path is 404 and a wrong method 405, both in the envelope', async () => {
  const { get, url } = await startAdminListener()
  const missing = await get('/api/v1/nothing', 'admin')
  expect([missing.status, await codeOf(missing)]).toEqual([404, 'show.not_found'])
  const headers = { authorization: 'Bearer admin', 'content-type': 'application/json' }
  const posted = await fetch(`${url}/api/v1/usage`, { method: 'POST', headers, body: '{' })
  expect([posted.status, await codeOf(posted), posted.headers.get('allow')]).toEqual([
    405,
    'arrive.method_unknown',
    'GET',
  ])
  const badUrl = await get('/%zz', 'admin')
  expect([badUrl.status, await codeOf(badUrl)]).toEqual([400, 'arrive.request_malformed'])
})

test('bytes that are no HTTP get a 400 in the envelope', async () => {
  const { url } = await startAdminListener()
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('GARBAGE\r\n\r\n')
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(envelope.parse(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).error.details.error_code).toBe(
    'arrive.request_malformed',
  )
})

test('no answer may be cached, framed or sniffed, refusals included', async () => {
  const { get } = await startAdminListener()
  for (const path of ['/live', '/metrics', '/nothing', '/%zz']) {
    const { headers } = await get(path)
    expect([path, headers.get('cache-control')]).toEqual([path, 'no-store'])
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  }
})
