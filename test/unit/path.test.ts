import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TollgateError } from '../../src/kernel/errors.ts'
import { operations } from '../../src/upstream/operations.ts'
import { canonicalPath } from '../../src/upstream/path.ts'

const refusal = (url: string): string => {
  try {
    canonicalPath(url)
    return ''
  } catch (error) {
    if (error instanceof TollgateError && error.code === 'arrive.path_not_canonical') return error.message
    throw error
  }
}

test('every operation of the table passes, with the query exactly as sent', () => {
  for (const { pattern } of operations) {
    const path = pattern.replace(/:\w+/g, 'sesn_01ABCdef-9')
    expect(canonicalPath(path)).toEqual({ path, query: '' })
  }
  const query = 'types[]=a&types%5B%5D=b&created_at[gte]=2026-11-01T00:00:00%2B01:00&page=ab%3D%3D&beta=true'
  expect(canonicalPath(`/v1/sessions?${query}`)).toEqual({ path: '/v1/sessions', query })
  expect(canonicalPath('/v1/models/claude-opus-5.5')).toEqual({
    path: '/v1/models/claude-opus-5.5',
    query: '',
  })
})

test.each([
  ['/v1/sessions/%73esn_1', 'percent-encoding'],
  ['/v1/sessions/..%2fagents', 'percent-encoding'],
  ['/v1/sessions/../agents', 'dot segment'],
  ['/v1/./agents', 'dot segment'],
  ['/v1/agents/..', 'dot segment'],
  ['/v1//agents', 'doubled slash'],
  ['//evil.example/v1/agents', 'doubled slash'],
  ['/v1/agents/', 'ends with a slash'],
  ['/v1\\agents', 'backslash'],
  ['/v1/agents;x=1', '`;`'],
  ['/v1/agents#top', 'not accepted'],
  ['/v1/ag\u0000ents', 'not accepted'],
  ['/v1/ag\tents', 'not accepted'],
  ['/v1/agénts', 'not accepted'],
  ['/v1/agents|x', 'not accepted'],
  ['http://api.anthropic.com/v1/agents', 'begin with `/`'],
  ['*', 'begin with `/`'],
  ['', 'begin with `/`'],
  [`/v1/${'a'.repeat(1100)}`, 'longer than'],
  [`/v1/agents?page=${'a'.repeat(9000)}`, 'longer than'],
  ['/v1/agents?page=%zz', 'query'],
  ['/v1/agents?page=%ff', 'query'],
  ['/v1/agents?page=a#b', 'query'],
  ['/v1/agents?page=a b', 'query'],
  ['/v1/agents?page=a\u0001', 'query'],
])('%j is refused, and the sentence says why', (url, why) => {
  expect(refusal(url)).toContain(why)
})

test('a path that passes is the same path to a parser that resolves and normalises', () => {
  const piece = fc.constantFrom(
    '/',
    '/v1',
    '.',
    '..',
    '%2e',
    '%',
    '\\',
    ';',
    ':',
    '@',
    'a',
    'É',
    ' ',
    '\n',
    '?',
    '#',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const url = `/${pieces.join('')}`
      if (refusal(url) !== '') return
      const { path } = canonicalPath(url)
      expect(new URL(url, 'http://upstream.example').pathname).toBe(path)
    }),
    { numRuns: 3000 },
  )
})
