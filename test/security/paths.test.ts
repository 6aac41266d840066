// Attacks on the request line: every spelling of a target that another server could read as another path is refused,
// and of a target that passes nothing changes.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BesiegedHouse, openBesiegedHouse } from '../support/besieged-house.ts'
import { headerOf } from '../support/wire-reader.ts'

let besieged: BesiegedHouse

beforeAll(async () => {
  besieged = await openBesiegedHouse()
})
afterAll(() => besieged.destroy())

const requestLine = (line: string): string =>
  `${line}\r\nHost: tollgate\r\nx-api-key: ${besieged.admin}\r\nConnection: close\r\n\r\n`

async function codeFor(line: string): Promise<string | number | undefined> {
  const before = besieged.upstream.seen.length
  const answers = await besieged.attack(requestLine(line))
  expect(besieged.upstream.seen).toHaveLength(before)
  return besieged.codesOf(answers)[0]
}

const notCanonical = 'arrive.path_not_canonical'
const malformed = 'arrive.request_malformed'

test.each<[string, string]>([
  ['/v1/agents%2Fagent_1', notCanonical],
  ['/v1%2fagents', notCanonical],
  ['/v1/agents%5cx', notCanonical],
  ['/v1/agents/..%2fvaults', notCanonical],
  ['/v1/agents/..%5cvaults', notCanonical],
  ['/v1/agents/.%2e/vaults', notCanonical],
  ['/v1/agents/%252e%252e/vaults', notCanonical],
  ['/v1/agents/../../v1/vaults', notCanonical],
  ['/v1/agents/./agent_1', notCanonical],
  ['/../v1/agents', notCanonical],
  ['/v1/agents%00', notCanonical],
  ['/v1/agents%09', notCanonical],
  ['/v1/agents%20', notCanonical],
  ['/v1/agents%3fbeta=true', notCanonical],
  ['/v1/agents%23', notCanonical],
  ['/v1/agents%c0%af..', notCanonical],
  ['/v1/agents/%c0%ae%c0%ae/vaults', notCanonical],
  ['/v1/agents/%e0%80%ae%e0%80%ae/vaults', notCanonical],
  ['/v1/%ef%bd%81gents', notCanonical],
  ['/v1/age%CC%81nts', notCanonical],
  ['/v1/agents/%u002e%u002e/vaults', notCanonical],
  ['/v1/agents;jsessionid=1', notCanonical],
  ['/v1/agents;/../vaults', notCanonical],
  ['/v1;v=2/agents', notCanonical],
  ['/v1///agents', notCanonical],
  ['//v1/agents', notCanonical],
  ['///tollgate/v1/agents', notCanonical],
  ['/v1/agents//', notCanonical],
  ['/v1/agents/?beta=true', notCanonical],
  ['/v1/agents\\..\\vaults', notCanonical],
  ['\\v1\\agents', malformed],
  ['/v1/agents#/../vaults', notCanonical],
  ['/v1/agents?a=b#c', notCanonical],
  ['http://tollgate/v1/agents', notCanonical],
  ['https://api.anthropic.com/v1/agents', notCanonical],
  ['HTTP://127.0.0.1/v1/agents', notCanonical],
  ['http://a@tollgate/v1/agents', notCanonical],
  ['tollgate:80', malformed],
  ['v1/agents', malformed],
  ['?beta=true', malformed],
  ['*', notCanonical],
  ['/v1/agents\x00', malformed],
  ['/v1/agents\t', malformed],
  ['/v1/agents\x0b', malformed],
  ['/v1/agents\x7f', malformed],
  ['/v1/ag\xc3\xa9nts', malformed],
  ['/v1/agents\xc0\xaf', malformed],
  ['/v1/agents x', malformed],
  ['/V1/agents', 'arrive.path_unknown'],
  ['/v1/AGENTS', 'arrive.path_unknown'],
  ['/v1/agents.', 'arrive.path_unknown'],
  ['/v1/agents.json', 'arrive.path_unknown'],
  ['/v1/agents&beta=true', 'arrive.path_unknown'],
  ['/v1/agents:list', 'arrive.path_unknown'],
  ['/', 'arrive.path_unknown'],
  ['/v2/agents', 'arrive.path_unknown'],
  ['/v1/organizations/me', 'arrive.path_unknown'],
  ['/metrics', 'arrive.path_unknown'],
  ['/api/v1/usage', 'arrive.path_unknown'],
  ['/v1/agents?a=1;agent_id=agent_2', notCanonical],
  ['/v1/agents?page=%', notCanonical],
  ['/v1/agents?page=%c0%af', notCanonical],
  ['/v1/agents?page=%ed%a0%80', notCanonical],
  ['/v1/agents?page=\xc3\xa9', malformed],
])('GET %j goes nowhere', async (target, code) => {
  expect(await codeFor(`GET ${target} HTTP/1.1`)).toBe(code)
})

test.each<[string, string]>([
  ['GET /v1/agents HTTP/0.9', malformed],
  ['GET /v1/agents HTTP/1.2', malformed],
  ['GET /v1/agents HTTP/2.0', malformed],
  ['GET /v1/agents HTTP/1.1x', malformed],
  ['GET /v1/agents http/1.1', malformed],
  ['GET /v1/agents', malformed],
  ['GET', malformed],
  ['get /v1/agents HTTP/1.1', malformed],
  ['G\x00T /v1/agents HTTP/1.1', malformed],
  ['XGET /v1/agents HTTP/1.1', malformed],
  ['PRI * HTTP/2.0', malformed],
  ['OPTIONS * HTTP/1.1', notCanonical],
  ['OPTIONS /v1/agents HTTP/1.1', 'arrive.method_unknown'],
  ['TRACE /v1/agents HTTP/1.1', 'arrive.method_unknown'],
  ['PROPFIND /v1/agents HTTP/1.1', 'arrive.method_unknown'],
  ['PUT /v1/agents HTTP/1.1', 'arrive.method_unknown'],
  ['DELETE /v1/agents HTTP/1.1', 'arrive.method_unknown'],
  ['M-SEARCH /v1/agents HTTP/1.1', 'arrive.method_unknown'],
  ['CONNECT api.anthropic.com:443 HTTP/1.1', malformed],
  ['CONNECT /v1/agents HTTP/1.1', malformed],
])('%j goes nowhere', async (line, code) => {
  expect(await codeFor(line)).toBe(code)
})

test('HEAD is no way to ask without being seen', async () => {
  const before = besieged.upstream.seen.length
  const [answer] = await besieged.attack(requestLine('HEAD /v1/agents HTTP/1.1'))
  expect(answer?.startLine).toMatch(/ 405 /)
  expect(besieged.upstream.seen).toHaveLength(before)
  const id = answer === undefined ? '' : headerOf(answer, 'request-id')
  expect(await besieged.recorded(id)).toMatchObject([{ error_code: 'arrive.method_unknown' }])
})

test('a target longer than any operation’s is refused whole, in path and in query', async () => {
  for (const target of [`/v1/agents/${'a'.repeat(1_100)}`, `/v1/agents?page=${'a'.repeat(9_000)}`]) {
    expect(await codeFor(`GET ${target} HTTP/1.1`)).toBe(notCanonical)
  }
  expect(await codeFor(`GET /v1/agents?page=${'a'.repeat(17_000)} HTTP/1.1`)).toBe(malformed)
})

test('what passes goes up to the letter: beta marks, brackets, doubled and encoded parameters', async () => {
  const targets = [
    '/v1/agents?beta=true',
    '/v1/agents?limit=1&limit=1000&%6cimit=2',
    '/v1/agents?',
    '/v1/agents?a[]=1&a%5B%5D=2&b=%2F..%2F',
    '/v1/agents?x=%3B&y=/../&z=?',
  ]
  const before = besieged.upstream.seen.length
  for (const target of targets) {
    const answers = await besieged.attack(requestLine(`GET ${target} HTTP/1.1`))
    expect([target, ...besieged.codesOf(answers)]).toEqual([target, 200])
  }
  expect(besieged.upstream.seen.slice(before).map(({ url }) => url)).toEqual(targets)
})

test('every refusal was counted', () => besieged.expectAllCounted())
