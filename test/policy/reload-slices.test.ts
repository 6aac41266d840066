// A reload of many rules and callers is done between other things, not instead of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makePolicy } from '../../bench/policy/made-policy.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { type Directory, parseDirectory } from '../../src/identify/directory.ts'
import { PolicyFileError } from '../../src/kernel/errors.ts'
import { askOwnThread } from '../../src/kernel/own-thread.ts'
import { parsePins } from '../../src/pin/pins-file.ts'
import {
  createPolicyLoader,
  loadPolicies,
  openPolicyStore,
  type Policies,
  type PolicyStore,
} from '../../src/policies.ts'
import { describeChange, type PolicyChange } from '../../src/policy-change.ts'
import { createReaderAside, readAtOnce } from '../../src/read-aside.ts'
import { type LoopBlocks, watchLoop } from '../support/loop-watch.ts'
import { shippedModel } from '../support/policy-pairs.ts'

let folder: string
let store: PolicyStore | undefined
const put = (name: string, text: string): void => writeFileSync(join(folder, name), text)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-slices-'))
  put('model.conf', shippedModel)
  put('pins.yaml', '')
})
afterEach(() => {
  store?.close()
  rmSync(folder, { recursive: true, force: true })
})

type Reload = { readonly policies: Policies; readonly change: PolicyChange }

async function openStore(
  load?: typeof loadPolicies,
): Promise<{ readonly reloads: Reload[]; readonly problems: string[] }> {
  const reloads: Reload[] = []
  const problems: string[] = []
  store = await openPolicyStore({
    folder,
    ...(load === undefined ? {} : { load }),
    intervalMs: 3_600_000,
    onReload: (policies, change) => void reloads.push({ policies, change }),
    onProblem: (problem) => void problems.push(problem),
  })
  return { reloads, problems }
}

/** The shortest of a few: whatever else the machine does can only make it longer. */
const shortest = (timesMs: readonly number[]): number => Math.min(...timesMs)

function timeMs(work: () => unknown): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

test('the longest block by a reload is a small part of it, and shorter than its parsing in one go', async () => {
  const made = [makePolicy(20_000), makePolicy(20_000, 1)] as const
  const [first] = made
  put('policy.csv', first.policyText)
  put('directory.yaml', first.directoryText)
  const { reloads, problems } = await openStore()
  const blocks: LoopBlocks[] = []
  for (let at = 1; at <= 3; at++) {
    put('policy.csv', made[at % 2]?.policyText ?? '')
    put('directory.yaml', `${first.directoryText}# change ${at}\n`)
    blocks.push(await watchLoop(store?.refresh() ?? Promise.reject(new Error('no store'))))
  }
  expect([problems, reloads.length]).toEqual([[], 3])
  const parse = (): void => {
    const { roles } = parsePolicy(first.policyText, 'policy.csv')
    parseDirectory(first.directoryText, 'directory.yaml', roles)
  }
  const parsedMs = shortest([1, 2, 3].map(() => timeMs(parse)))
  const longestMs = shortest(blocks.map((block) => block.longestMs))
  const timerMs = shortest(blocks.map((block) => block.timerMs))
  const totalMs = shortest(blocks.map((block) => block.totalMs))
  const told = JSON.stringify({ longestMs, timerMs, totalMs, parsedMs })
  expect(longestMs, told).toBeLessThan(totalMs / 4)
  expect(timerMs, told).toBeLessThan(totalMs / 4)
  expect(longestMs, told).toBeLessThan(parsedMs / 2)
})

test('telling what changed may pause at every line', async () => {
  const [first, second] = [makePolicy(1_000), makePolicy(1_000, 1)]
  put('policy.csv', first.policyText)
  put('directory.yaml', first.directoryText)
  const before = await loadPolicies(folder)
  put('policy.csv', second.policyText)
  const steps = describeChange(before, await loadPolicies(folder))
  let pauses = 0
  let step = steps.next()
  for (; !step.done; step = steps.next()) pauses += 1
  // Each line of both texts is counted, looked up, and told when the other has it not.
  expect(pauses).toBeGreaterThan(4_000)
  expect(step.value.diff.length).toBeGreaterThan(400)
})

/** What a directory means; functions told by what they answer. */
const meaningOf = ({ keys, ...rest }: Directory) => ({
  ...rest,
  callers: [...rest.callers.values()].map(({ id, team, roles }) => ({ id, team, roles })),
  keys: [...keys.values()].map(({ key, caller }) => {
    const { allowsAddress, ...plain } = key
    return { ...plain, caller: caller.id, local: ['10.1.2.3', '192.168.0.1'].map(allowsAddress) }
  }),
})

const bounded = (text: string): string =>
  text.replaceAll('expires: 2027-01-01', 'expires: 2027-01-01, cidrs: [10.0.0.0/8], scopes: [session.*]')

test('a file that is read in another thread means the same, and is refused with the same words', async () => {
  const text = bounded(makePolicy(1_000).directoryText)
  const roles = new Set(['admin', 'viewer', 'service', 'developer', 'operator'])
  const aside = createReaderAside(0)
  const directory = await aside.directory(text, 'directory.yaml', roles)
  expect(meaningOf(directory)).toEqual(meaningOf(parseDirectory(text, 'directory.yaml', roles)))
  expect(await aside.pins('# none\n', 'pins.yaml')).toEqual(parsePins('# none\n', 'pins.yaml'))

  const faults = [
    { text: text.replace('team: team3\n', 'team: nobody\n'), known: roles },
    { text: text.replace('scopes: [session.*]', 'scopes: []'), known: roles },
    { text: `${text}  - {`, known: roles },
    { text, known: new Set(['admin']) },
  ]
  for (const { text: wrong, known } of faults) {
    const atOnce = await readAtOnce.directory(wrong, 'directory.yaml', known).catch((error: unknown) => error)
    const beside = await aside.directory(wrong, 'directory.yaml', known).catch((error: unknown) => error)
    expect(beside).toBeInstanceOf(PolicyFileError)
    expect(beside).toEqual(atOnce)
  }
  await expect(aside.pins('- what', 'pins.yaml')).rejects.toBeInstanceOf(PolicyFileError)
  await expect(aside.directory(text, 'd', roles, new Set(['x']))).resolves.toBeDefined()
})

test('a thread that fails, or does not answer in time, is an error and is gone', async () => {
  const ask = (module: string, timeoutMs: number): Promise<unknown> =>
    askOwnThread(import.meta.url, module, null, timeoutMs)
  await expect(ask('../support/mute-thread', 300)).rejects.toThrow('no answer within 300 ms')
  await expect(ask('../support/no-such-thread', 30_000)).rejects.toThrow('no-such-thread')
  await expect(ask('../../src/kernel/turns', 30_000)).rejects.toThrow('ended without an answer')
})

test('files that change during a reload are taken as they are in the end, all of one moment', async () => {
  const made = makePolicy(5_000)
  const large = (id: string): string =>
    `${made.directoryText}  - { id: ${id}, team: team0, roles: [viewer] }\n`
  const rule = (object: string): string =>
    `${made.policyText}p, caller:x, *, vault.read, vault/${object}, allow\n`
  put('policy.csv', rule('one'))
  put('directory.yaml', large('x'))
  const load = createPolicyLoader(null, createReaderAside())
  const during = { work: () => {} }
  const { reloads, problems } = await openStore(async (from) => {
    const loaded = await load(from)
    during.work()
    return loaded
  })
  const mayRead = (object: string) =>
    store?.current().snapshot.decide('caller:x', 'team0', 'vault.read', `vault/${object}`).allowed
  put('policy.csv', rule('two'))
  put('directory.yaml', `${large('x')}# draft\n`)
  during.work = () => {
    during.work = () => {}
    put('policy.csv', rule('three'))
    put('directory.yaml', `${large('x')}# final, longer\n`)
  }
  await Promise.all([store?.refresh(), store?.refresh()])
  expect([mayRead('one'), mayRead('two'), mayRead('three')]).toEqual([false, false, true])
  // What was read while they changed has never been in force, and two looks are one reload.
  expect(reloads.map(({ policies }) => policies.texts.get('directory.yaml')?.split('# ')[1])).toEqual([
    'final, longer\n',
  ])
  expect(problems).toEqual([])

  const { hash } = store?.current().snapshot ?? {}
  put('directory.yaml', large('x').replace('team: team1\n', 'team: nobody\n'))
  await store?.refresh()
  expect(problems).toEqual([expect.stringMatching(/^directory\.yaml:\d+: .*`nobody`/)])
  expect([store?.problem(), store?.current().snapshot.hash]).toEqual([problems[0], hash])
})
