// Addresses in answers that would lead a caller past the gateway become the gateway's, and no other byte changes.
import { expect, test } from 'vitest'
import { redirectAddresses } from '../../src/upstream/own-addresses.ts'

const origins = new Set(['https://api.anthropic.com', 'http://127.0.0.1:9000'])
const redirect = (operationId: string, text: string) =>
  redirectAddresses(operationId, Buffer.from(text), origins, 'https://gate.example.com').toString()
const retrieve = 'messages.batches.retrieve'

test('the address of the results is ours, whatever the case, the escapes and the blanks it is written with', () => {
  expect(
    redirect(
      retrieve,
      '{ "id" : "ümlaut" , "results\\u005furl" :\n "https:\\/\\/API.anthropic.com:443/v1/a?b=1#c" ,"n":1e400 }',
    ),
  ).toBe('{ "id" : "ümlaut" , "results\\u005furl" :\n "https://gate.example.com/v1/a?b=1#c" ,"n":1e400 }')
})

test.each([
  [retrieve, '{"results_url":null}'],
  [retrieve, '{"results_url":"https://elsewhere.example.com/v1/a"}'],
  [retrieve, '{"results_url":"https://api.anthropic.com.evil.example/v1/a"}'],
  [retrieve, '{"metadata":{"results_url":"https://api.anthropic.com/v1/a"}}'],
  [retrieve, 'not json "results_url":"https://api.anthropic.com/v1/a"'],
  ['agents.retrieve', '{"results_url":"https://api.anthropic.com/v1/a"}'],
  ['environments.work.poll', 'null'],
  ['environments.work.poll', '{"secret":"bm90IGpzb24"}'],
  ['environments.work.poll', '{"secret":null}'],
])('%s leaves %s as it is, the very same bytes', (operationId, text) => {
  const body = Buffer.from(text)
  expect(redirectAddresses(operationId, body, origins, 'https://gate.example.com')).toBe(body)
})

test('in a list each element is looked at', () => {
  const page = (origin: string) =>
    `{"data":[{"id":"a","results_url":"${origin}/a"}, {"id":"b","results_url":null},{"results_url":"${origin}/c"}],"has_more":false}`
  expect(redirect('messages.batches.list', page('http://127.0.0.1:9000'))).toBe(
    page('https://gate.example.com'),
  )
})

test.each(['base64', 'base64url'] as const)('a secret in %s keeps everything but the address', (encoding) => {
  const inner = (origin: string) => `{"sessions_token":"t?>>?", "api_base_url":"${origin}","more":[1.0]}`
  const secretOf = (text: string) => Buffer.from(text).toString(encoding)
  const edited = redirect(
    'environments.work.poll',
    `{"id":"w","secret":"${secretOf(inner('https://api.anthropic.com'))}"}`,
  )
  expect(edited).toBe(`{"id":"w","secret":"${secretOf(inner('https://gate.example.com'))}"}`)
})
