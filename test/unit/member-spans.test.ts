import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memberSpans } from '../../src/upstream/member-spans.ts'

// Keys and texts full of what a scanner could stumble over.
const awkward = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '{', '}', '[', ']', ',', ':', ' ', '\n', 'é', '\u2028'),
})
const value = fc.jsonValue().chain((json) => fc.constantFrom(json, [json, { a: json }], { 'x"y': json }))
const object = fc.dictionary(awkward, fc.oneof(value, awkward), { maxKeys: 8 })
const spaced = fc.constantFrom(undefined, 1, '\t', '\r\n ')

test('every member of any object is found where it is written, and nothing else is', () => {
  fc.assert(
    fc.property(object, spaced, (given, space) => {
      const text = JSON.stringify(given, null, space)
      const spans = memberSpans(text)
      expect([...spans.keys()].sort()).toEqual(Object.keys(given).sort())
      for (const [key, { start, end }] of spans) {
        expect(text.slice(start, end)).toBe(text.slice(start, end).trim())
        expect(JSON.parse(text.slice(start, end))).toEqual(JSON.parse(JSON.stringify(given[key])))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a key is known by what it says, however it is escaped, and what is no object has no members', () => {
  expect(memberSpans('{"\\u0061gent":1, "b" : [ {"agent":2} ] }')).toEqual(
    new Map([
      ['agent', { start: 14, end: 15 }],
      ['b', { start: 23, end: 38 }],
    ]),
  )
  for (const text of ['[{"agent":1}]', '"agent"', 'null', '7', ' [ ] ', '{}', '{ }']) {
    expect(memberSpans(text).size).toBe(0)
  }
})
