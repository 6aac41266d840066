// Edits change the values they name and no other byte, whatever the body around them looks like.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyEdits, findSpan } from '../../src/pin/edits.ts'
import type { Edit } from '../../src/pin/rule.ts'
import { openPins } from '../support/pin-alone.ts'

test.each([
  ['{"a":1}', [{ kind: 'set', path: ['a'], text: '{"b":2}' }], '{"a":{"b":2}}'],
  ['{ "a" : {"b" : 1} }', [{ kind: 'set', path: ['a', 'b'], text: '2' }], '{ "a" : {"b" : 2} }'],
  ['{ "a" : 1 }', [{ kind: 'set', path: ['b'], text: '2' }], '{ "a" : 1,"b":2 }'],
  ['{ }', [{ kind: 'set', path: ['b', 'c'], text: '2' }], '{"b":{"c":2} }'],
  ['{"a":1 , "b":2,\n"c":3}', [{ kind: 'remove', path: ['a'] }], '{"b":2,\n"c":3}'],
  ['{"a":1 , "b":2,\n"c":3}', [{ kind: 'remove', path: ['c'] }], '{"a":1 , "b":2}'],
  ['{"a":1 , "b":2,\n"c":3}', [{ kind: 'remove', path: ['b'] }], '{"a":1,\n"c":3}'],
  ['{"a":[1 , 2,\n3]}', [{ kind: 'remove', path: ['a', 0] }], '{"a":[2,\n3]}'],
  [
    '{"a":[1 , 2,\n3]}',
    [
      { kind: 'remove', path: ['a', 0] },
      { kind: 'set', path: ['a', 2], text: '4' },
    ],
    '{"a":[2,\n4]}',
  ],
  [
    '{"a":[1]}',
    [
      { kind: 'remove', path: ['a', 0] },
      { kind: 'set', path: ['a', 1], text: '4' },
    ],
    '{"a":[4]}',
  ],
  [
    '{"\\u0061":{"x":"}]\\""}}',
    [{ kind: 'set', path: ['a', 'y'], text: '1' }],
    '{"\\u0061":{"x":"}]\\"","y":1}}',
  ],
  ['{"a":1}', [{ kind: 'remove', path: ['b'] }], '{"a":1}'],
  [
    '{"a":1}',
    [
      { kind: 'set', path: ['a'], text: '{"b":2}' },
      { kind: 'set', path: ['a', 'c'], text: '3' },
    ],
    '{"a":{"b":2,"c":3}}',
  ],
] satisfies readonly [string, readonly Edit[], string][])('%s with %j is %s', (text, edits, expected) => {
  expect(applyEdits(text, edits)).toBe(expected)
})

test('a path through something that has no members is refused, not guessed', () => {
  expect(() => applyEdits('{"a":"x"}', [{ kind: 'set', path: ['a', 'b'], text: '1' }])).toThrow('no members')
  expect(() => applyEdits('{"a":[]}', [{ kind: 'set', path: ['a', 'b'], text: '1' }])).toThrow('array')
})

// Any JSON, written with any white space, and with any character of a string escaped or not.
const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/)
const write = (value: unknown, seed: () => number, gap: () => string): string => {
  if (typeof value === 'string') {
    const letters = [...value].map((letter) => {
      const plain = JSON.stringify(letter).slice(1, -1)
      if (seed() % 4 !== 0) return plain
      return [...Array(letter.length).keys()]
        .map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join('')
    })
    return `"${letters.join('')}"`
  }
  if (Array.isArray(value)) {
    return `[${gap()}${value.map((item) => write(item, seed, gap) + gap()).join(`,${gap()}`)}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([key, item]) => `${write(key, seed, gap)}${gap()}:${gap()}${write(item, seed, gap)}${gap()}`,
    )
    return `{${gap()}${members.join(`,${gap()}`)}}`
  }
  return JSON.stringify(value)
}

const body = fc.dictionary(
  fc.string({ unit: 'grapheme' }),
  fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 }),
  {
    maxKeys: 6,
  },
)

type Path = readonly (string | number)[]

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [[...path]]
  const inside = Array.isArray(value)
    ? value.flatMap((item, at) => pathsOf(item, [...path, at]))
    : Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))
  return path.length === 0 ? inside : [[...path], ...inside]
}

test('a value set anywhere in any body leaves every byte before and after it', () => {
  fc.assert(
    fc.property(
      body,
      fc.nat(),
      fc.infiniteStream(fc.nat()),
      fc.infiniteStream(space),
      fc.jsonValue(),
      (sent, at, seeds, gaps, value) => {
        const paths = pathsOf(sent)
        const path = paths[at % Math.max(paths.length, 1)]
        if (path === undefined) return
        const text = write(
          sent,
          () => seeds.next().value ?? 1,
          () => gaps.next().value ?? '',
        )
        const span = findSpan(text, path)
        if (span === null) throw new Error(`${JSON.stringify(path)} is not in ${text}`)
        const changed = applyEdits(text, [{ kind: 'set', path, text: JSON.stringify(value) }])
        expect(changed).toBe(text.slice(0, span.start) + JSON.stringify(value) + text.slice(span.end))
        const removed: unknown = JSON.parse(applyEdits(text, [{ kind: 'remove', path }]))
        expect(removed).toEqual(without(JSON.parse(text), path))
      },
    ),
    { numRuns: 1500 },
  )
})

function without(value: unknown, [step, ...rest]: Path): unknown {
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.filter((_, at) => at !== step)
      : value.map((item, at) => (at === step ? without(item, rest) : item))
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, item]) =>
    key !== step ? [[key, item]] : rest.length === 0 ? [] : [[key, without(item, rest)]],
  )
  return Object.fromEntries(entries)
}

const pins = openPins(`classes: { c: { explicit_version: force } }
sensitivity: [{ agent: agent_forced, class: c }]
approved: { agent_forced: [7] }`)
const reference = fc.constantFrom(
  '"agent_forced"',
  '"\\u0061gent_forced"',
  '{"type" : "agent" ,"id":"agent_forced"\n}',
  '{"\\u0069d":"agent_forced","version" : null ,"note":"{\\"agent\\":\\"é😀","type":"agent"}',
)

test('a forced body differs from the sent one inside the value of `agent` only, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      body.filter((sent) =>
        Object.keys(sent).every((key) => key.normalize('NFKC').toLowerCase() !== 'agent'),
      ),
      reference,
      space,
      fc.infiniteStream(fc.nat()),
      fc.infiniteStream(space),
      async (sent, agent, gap, seeds, gaps) => {
        const others = write(
          sent,
          () => seeds.next().value ?? 1,
          () => gaps.next().value ?? '',
        )
        const comma = Object.keys(sent).length === 0 ? '' : ','
        const before = `${others.slice(0, -1)}${comma}${gap}"agent"${gap}:${gap}`
        const after = `${gap}}`
        const outcome = await pins.decide(before + agent + after)
        if (outcome.kind !== 'judged' || outcome.body === null) throw new Error(`not forced: ${outcome.kind}`)
        expect(outcome.body.subarray(0, Buffer.byteLength(before)).equals(Buffer.from(before))).toBe(true)
        const tail = Buffer.from(after)
        expect(outcome.body.subarray(-tail.length).equals(tail)).toBe(true)
        const forced: unknown = JSON.parse(outcome.body.toString())
        expect(forced).toMatchObject({ agent: { type: 'agent', id: 'agent_forced', version: 7 } })
      },
    ),
    { numRuns: 500 },
  )
})

test('bodies of up to thirty-two megabytes are rewritten in their one value, whatever text is around it', async () => {
  const piece = fc.oneof(
    fc.string({ minLength: 1, unit: 'binary' }).map((text) => JSON.stringify(text).slice(1, -1)),
    fc.constantFrom('\\u0022', '\\\\', '{\\"agent\\":', '\\ud83d\\ude00', 'é😀', '],}'),
  )
  const bytesMax = 32 * 1024 * 1024
  await fc.assert(
    fc.asyncProperty(
      piece,
      piece,
      space,
      fc.double({ min: 0.5, max: 1, noNaN: true }),
      async (a, b, gap, size) => {
        const filler = `${a}${b}`
        const times = Math.floor((bytesMax * size) / 2 / Buffer.byteLength(filler))
        const before = `{"title":"${filler.repeat(times)}",${gap}"agent":${gap}`
        const after = `${gap},"prompt":"${filler.repeat(times)}"}`
        const outcome = await pins.decide(`${before}"agent_forced"${after}`)
        if (outcome.kind !== 'judged' || outcome.body === null) throw new Error('not forced')
        const expected = `${before}{"type":"agent","id":"agent_forced","version":7}${after}`
        expect(outcome.body.equals(Buffer.from(expected))).toBe(true)
      },
    ),
    { numRuns: 4 },
  )
}, 60_000)

test('many edits of a large body are one pass, not one each', () => {
  const items = Array.from({ length: 20_000 }, (_, at) => `{"n":${at},"text":"${'y'.repeat(50)}"}`)
  const text = `{"items":[${items.join(',')}]}`
  const edits = items.map((_, at): Edit => ({ kind: 'set', path: ['items', at, 'n'], text: '"set"' }))
  expect(applyEdits(text, edits)).toBe(text.replaceAll(/"n":\d+/g, '"n":"set"'))
})
