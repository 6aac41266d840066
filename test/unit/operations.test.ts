// The table against its authority: the SDK's own source.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { leftOut, operations } from '../../src/upstream/operations.ts'

const sdkRoot = fileURLToPath(new URL('../../node_modules/@anthropic-ai/sdk/resources/', import.meta.url))

type SdkCall = {
  readonly id: string
  readonly method: string
  readonly pattern: string
  readonly body: string
  readonly answer: string
}

// `this._client.<method>(…, { …, __span: startApiCallSpan(this._client, 'anthropic.<id>', options, { route: '…'`
const callStart = /\.(get|post|delete|put|patch|getAPIList)\((?=path `|['`]\/v1|batch\.results_url)/g
const span = /'anthropic\.([\w.]+)', options, \{\s*route: '([^']+)'/

function readSdkCalls(): readonly SdkCall[] {
  const calls = new Map<string, SdkCall>()
  const files = readdirSync(sdkRoot, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.mjs'))
  for (const file of files) {
    const source = readFileSync(`${sdkRoot}${file}`, 'utf8')
    const starts = [...source.matchAll(callStart)]
    for (const [index, start] of starts.entries()) {
      const text = source.slice(start.index, starts[index + 1]?.index)
      const [, id, route] = span.exec(text) ?? []
      // `messages.create` opens its span before the call; the test below names it.
      if (id === undefined || route === undefined) continue
      calls.set(id, {
        id,
        method: start[1] === 'getAPIList' ? 'GET' : (start[1] ?? '').toUpperCase(),
        pattern: route.replace(/\{(\w+)\}/g, ':$1'),
        body: text.includes('multipartFormRequestOptions')
          ? 'stream'
          : /\bbody\b|\.\.\.request\b/.test(text.slice(0, text.indexOf('__span')))
            ? 'json'
            : 'none',
        answer: text.includes('__binaryResponse: true')
          ? 'binary'
          : /stream: true/.test(text.slice(0, text.indexOf('__span')))
            ? 'sse'
            : 'json',
      })
    }
  }
  return [...calls.values()]
}

const sdkCalls = readSdkCalls()
const isLeftOut = (id: string): boolean => Object.keys(leftOut).some((prefix) => id.startsWith(prefix))

test('every operation of the SDK is in the table as the SDK sends it, or left out by name', () => {
  expect(sdkCalls.length).toBeGreaterThan(200)
  const table = new Map(operations.map((operation) => [operation.id, operation]))
  for (const call of sdkCalls.filter(({ id }) => !isLeftOut(id)))
    expect(table.get(call.id)).toMatchObject(call)
})

test('the table has nothing that the SDK does not have', () => {
  const known = new Set(sdkCalls.map(({ id }) => id))
  expect(operations.filter(({ id }) => !known.has(id)).map(({ id }) => id)).toEqual(['messages.create'])
  expect(readFileSync(`${sdkRoot}messages/messages.mjs`, 'utf8')).toContain("post('/v1/messages', {")
})

test('what is left out is really not in the table, and really exists', () => {
  expect(operations.filter(({ id }) => isLeftOut(id))).toEqual([])
  for (const prefix of Object.keys(leftOut))
    expect(sdkCalls.some(({ id }) => id.startsWith(prefix))).toBe(true)
})

test('no two operations share an id, or a method and a path that differ only in parameter names', () => {
  const unique = (keys: readonly string[]): void => expect(new Set(keys).size).toBe(keys.length)
  unique(operations.map(({ id }) => id))
  unique(operations.map(({ method, pattern }) => `${method} ${pattern.replace(/:\w+/g, ':')}`))
})

test('an action names its resource, an object parameter stands in its path, and a plain GET changes nothing', () => {
  for (const { action, resource, objectParam, pattern, method, mutates } of operations) {
    expect(action).toMatch(new RegExp(`^${resource}\\.[a-z]+$`))
    if (objectParam !== undefined) expect(pattern.split('/')).toContain(`:${objectParam}`)
    if (method === 'GET') expect(mutates).toBe(action === 'work.poll')
  }
})
