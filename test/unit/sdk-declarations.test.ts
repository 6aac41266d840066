// The reader of the SDK's declarations: what a type says is held against values, and what is not understood is no pass.
import Anthropic from '@anthropic-ai/sdk'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock, startSimulator } from '../../src/simulator/simulator.ts'
import { answersOf } from '../support/sdk/answers.ts'
import { openDeclarations, readRoom } from '../support/sdk/declarations.ts'
import { misfitsOfView } from '../support/sdk/misfits.ts'
import { discriminatorsOf, typeNamed } from '../support/sdk/type-view.ts'
import { createWatch } from '../support/sdk/watched-client.ts'

/** What is wrong with `value` as a `T` of these declarations. */
const misfits = (source: string, value: unknown): readonly string[] => {
  const view = typeNamed(readRoom('file:///made-up.d.ts', source), 'T')
  return misfitsOfView(value, view, 'T', () => 'T').map(({ text }) => text)
}

const animals = `
  interface Cat { type: 'cat'; lives: number; }
  interface Dog { type: 'dog'; owner?: string; }
  type Animal = Cat | Dog;`

const fitting: readonly (readonly [declarations: string, values: readonly unknown[]])[] = [
  ['type T = string | null', ['', null]],
  ["type T = 'a' | 2 | true", ['a', 2, true]],
  ['type T = Array<number>', [[], [1, 2]]],
  ['type T = number[]', [[1]]],
  ['interface T { a: string; b?: number }', [{ a: '' }, { a: '', b: 1 }, { a: '', b: undefined }]],
  ['interface T { [key: string]: number | null }', [{}, { any: 1, other: null }]],
  ['type T = Record<string, unknown>', [{ any: [] }]],
  [`${animals} type T = Animal | null`, [{ type: 'cat', lives: 9 }, { type: 'dog' }, null]],
  ['interface P { a: string } interface T extends P { b: string }', [{ a: '', b: '' }]],
  ["interface P { a: string; b: string } interface T extends Omit<P, 'a'> { c: 1 }", [{ b: '', c: 1 }]],
  ['type T = { a: string } & { b: string }', [{ a: '', b: '' }]],
  ['type T = (string & {}) | null', ['any', null]],
  ['interface Box<I> { item: I } type T = Box<Box<number>>', [{ item: { item: 1 } }]],
  ['interface T { inner: T.Inner } declare namespace T { interface Inner { a: 1 } }', [{ inner: { a: 1 } }]],
  ['interface T { next: T | null }', [{ next: { next: null } }]],
  ['interface T { /** It is `null` until then. */ a?: string; b?: string }', [{ a: null }]],
]

test.each(fitting)('%s: what fits has no misfit', (declarations, values) => {
  for (const value of values) expect(misfits(declarations, value)).toEqual([])
})

const unfitting: readonly (readonly [declarations: string, value: unknown, misfit: string])[] = [
  ['type T = string', 1, 'T: 1 is not T'],
  ['type T = number', Number.NaN, 'T: null is not T'],
  ["type T = 'a' | 'b'", 'c', 'T: "c" is none of T'],
  ['type T = Array<number>', [1, '2'], 'T[1]: "2" is not number'],
  ['interface T { a: string }', {}, 'T.a: is missing from T'],
  ['interface T { a: string }', { a: '', b: 1 }, 'T.b: T does not declare it'],
  ['interface T { a: string }', [], 'T: [] is not T'],
  ['interface T { a?: string }', { a: null }, 'T.a: null is not string'],
  ['interface T { /** It is `null`. */ a?: string; b?: string }', { b: null }, 'T.b: null is not string'],
  ['interface T { [key: string]: number }', { a: '' }, 'T.a: "" is not number'],
  [`${animals} type T = Animal[]`, [{ type: 'cow' }], "T[0]: {type: 'cow', ...} is none of Animal"],
  // The option that was meant is the one of the same `type`.
  [`${animals} type T = { pet: Animal }`, { pet: { type: 'cat' } }, 'T.pet.lives: is missing from Cat'],
  ["interface P { a: 1 } interface T extends Omit<P, 'a'> {}", { a: 1 }, 'T.a: T does not declare it'],
]

test.each(unfitting)('%s: a misfit is named with its place', (declarations, value, misfit) => {
  expect(misfits(declarations, value)).toEqual([misfit])
})

test.each([
  ['type T = Missing'],
  ['type T = keyof { a: 1 }'],
  ['type T = { [K in "a"]: 1 }'],
  ['type T = () => void'],
  ['interface T { a(): void }'],
  ['type T = { a: string } & { a: "b" }'],
  ['interface T { a: string } interface T { b: string }'],
])('%s: what the reader does not understand is an error, not a pass', (declarations) => {
  expect(() => misfits(declarations, {})).toThrow()
})

test('the kinds of answer are read off the client itself, through its imports, exports and namespaces', () => {
  const kinds = (path: string, method: string) => answersOf(path.split('.'), method).map(({ kind }) => kind)
  expect(kinds('beta.sessions', 'create')).toEqual(['value'])
  expect(kinds('beta.environments.work', 'poll')).toEqual(['value'])
  expect(kinds('beta.sessions.threads', 'list')).toEqual(['page'])
  expect(kinds('beta.sessions.threads.events', 'stream')).toEqual(['stream'])
  expect(kinds('messages.batches', 'results')).toEqual(['stream'])
  expect(kinds('beta.files', 'download')).toEqual(['binary'])
  expect(kinds('messages', 'create')).toEqual(['value', 'stream', 'stream', 'value'])
  expect(kinds('beta.messages', 'stream')).toEqual(['helper'])
  expect(() => kinds('beta.sessions', 'explode')).toThrow(/no method/)
  expect(() => kinds('beta.nobody', 'list')).toThrow(/no resource/)
})

test('every type of a union of the SDK is found, however it is composed', () => {
  const [answer] = answersOf(['beta', 'sessions', 'events'], 'stream')
  const types = answer?.kind === 'stream' ? discriminatorsOf(answer.item, 'type') : []
  expect(types).toEqual(expect.arrayContaining(['agent.message', 'event_delta', 'session.deleted']))
  expect(() => typeNamed(openDeclarations('resources/beta/dreams'), 'Nightmare')).toThrow()
})

test('a watched client sees a wrong answer, a wrong item on a later page and a wrong event', async () => {
  const clock = createManualClock()
  const faults = [{ path: '/v1/**', unknown_fields: true, times: null, skip: 5 }]
  const simulator = await startSimulator({ clock, faults })
  onTestFinished(simulator.close)
  const watch = createWatch()
  const { beta } = watch.over(new Anthropic({ baseURL: simulator.url, apiKey: simulator.apiKey }))
  const environment = await beta.environments.create({ name: 'x' })
  const agent = await beta.agents.create({ name: 'x', model: 'claude-sonnet-5-5' })
  const session = await beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  await beta.agents.update(agent.id, { system: 'second' })
  const versions = beta.agents.versions.list(agent.id, { limit: 1 })
  await versions
  await watch.settled()
  expect(watch.misfits).toEqual([])
  for await (const _ of versions);
  const stream = await beta.sessions.events.stream(session.id)
  await beta.sessions.delete(session.id)
  for await (const _ of stream);
  await watch.settled()
  const unknown = /simulator_unknown_field: \w+ does not declare it$/
  for (const misfit of watch.misfits) expect(misfit).toMatch(unknown)
  const seen = new Set(watch.misfits.map((misfit) => misfit.split(/[.[]+simulator|\[|\.data/)[0]))
  expect([...seen].toSorted()).toEqual([
    'beta.agents.versions.list',
    'beta.sessions.delete',
    'beta.sessions.events.stream',
  ])
})
