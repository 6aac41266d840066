// The house rules that a reader cannot see in one file: who may import whom, and what only one file may do.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')

type Import = { readonly file: string; readonly target: string; readonly isType: boolean }

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(source, file), 'utf8')
  const found = text.matchAll(
    /(?:^|\n)\s*(import|export)\s+(type\s+)?([^;'"]*?)\s*from\s+'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g,
  )
  return [...found].map((match) => ({
    file,
    target: match[4] ?? match[5] ?? match[6] ?? '',
    isType: match[2] !== undefined || /^\{\s*(type\s+\w+(\s+as\s+\w+)?\s*,?\s*)+\}$/.test(match[3] ?? ''),
  }))
})

// The order in which a request walks the rooms; a room knows only what lies before it.
const order = ['identify', 'pin', 'authorize', 'forward', 'tap', 'trace', 'meter', 'price', 'audit']
const afterRooms = new Set(['watch', 'gateway', 'show'])
const foundations = new Set(['kernel', 'upstream', 'ledger'])

const roomOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : 'root')
const resolveTarget = (file: string, target: string): string | null =>
  target.startsWith('.')
    ? relative(source, normalize(join(source, dirname(file), target))).replaceAll('\\', '/')
    : null

function judge({ file, target, isType }: Import): string | null {
  const path = resolveTarget(file, target)
  if (path === null) return null
  const from = roomOf(file)
  const to = roomOf(path)
  const verdict = (reason: string): string => `${file} -> ${path}: ${reason}`
  // The drain process is a root of its own: it wires the rooms behind the journal.
  if (from === to || from === 'root' || from === 'cli' || from === 'drain') return null
  if (path.startsWith('..')) return path.endsWith('package.json') ? null : verdict('leaves src/')
  if (from === 'simulator' || to === 'simulator') return verdict('the simulator is a stranger to the house')
  if (from === 'kernel') return verdict('kernel imports nothing of ours')
  if (foundations.has(from)) return to === 'kernel' ? null : verdict('a foundation stands on kernel alone')
  if (foundations.has(to)) return null
  if (to === 'root' || to === 'cli' || to === 'drain') return verdict('nothing imports the root')
  if (afterRooms.has(to)) return verdict('the corridor and the display are not imported')
  if (afterRooms.has(from)) return null
  const earlier = order.indexOf(to) < order.indexOf(from)
  if (!earlier) return verdict('a room knows only what lies before it')
  return isType ? null : verdict('rooms import types of earlier rooms; values are handed in by app.ts')
}

test('the architecture test sees the whole house', () => {
  expect(files.length).toBeGreaterThan(60)
  expect(imports.length).toBeGreaterThan(150)
})

test('imports run one way, as the floor plan says', () => {
  expect(imports.map(judge).filter((verdict) => verdict !== null)).toEqual([])
})

test('the judge itself tells right from wrong', () => {
  const type = { isType: true }
  const value = { isType: false }
  expect(judge({ file: 'identify/a.ts', target: '../authorize/permit.ts', ...type })).toContain('lies before')
  expect(judge({ file: 'authorize/a.ts', target: '../identify/identify.ts', ...value })).toContain(
    'handed in',
  )
  expect(judge({ file: 'authorize/a.ts', target: '../identify/identify.ts', ...type })).toBeNull()
  expect(judge({ file: 'kernel/a.ts', target: '../upstream/path.ts', ...type })).toContain('kernel')
  expect(judge({ file: 'simulator/a.ts', target: '../kernel/clock.ts', ...value })).toContain('stranger')
})

// One owner file (or folder) for each library, so that replacing it is one edit.
const owners: { readonly [library: string]: readonly string[] } = {
  '@clickhouse/client': ['ledger/clickhouse.ts'],
  casbin: ['authorize/'],
  undici: ['forward/'],
  'eventsource-parser': ['tap/event-stream-tap.ts'],
  pino: ['kernel/logger.ts'],
  fastify: ['gateway/', 'show/', 'app.ts'],
  chdb: ['ledger/embedded/'],
  commander: ['cli/'],
  jose: ['identify/tokens/'],
}

test('a library is imported by its owner alone', () => {
  const strays = imports.filter(({ file, target }) => {
    const allowed = owners[target]
    return allowed !== undefined && !allowed.some((owner) => file.startsWith(owner))
  })
  expect(strays).toEqual([])
})

test('only `authorize` can make a Permit', () => {
  const makers = imports.filter(
    ({ file, target }) =>
      target.endsWith('/permit.ts') && /\bgrant\b/.test(readFileSync(join(source, file), 'utf8')),
  )
  expect(makers.map(({ file }) => file)).toEqual(['authorize/authorize.ts'])
})

test('streams are never piped by hand', () => {
  // zod has a `pipe` of its own, so only the rooms that hold streams are asked.
  const streaming = /^(forward|tap|gateway|simulator|ledger\/embedded)\//
  const offenders = files.filter((file) => {
    return streaming.test(file) && /\.pipe\(/.test(readFileSync(join(source, file), 'utf8'))
  })
  expect(offenders).toEqual([])
})

test('only config reads the environment', () => {
  // The command line hands it over, the engine is a process of its own, and the banner prints a snippet.
  const readers = files.filter((file) => /process\.env\b/.test(readFileSync(join(source, file), 'utf8')))
  expect(
    readers.filter(
      (file) =>
        file !== 'banner.ts' &&
        !file.startsWith('cli/') &&
        !file.startsWith('drain/') &&
        !file.startsWith('ledger/embedded/'),
    ),
  ).toEqual([])
})

// A member whose name says money: `cost_usd`, `listCostPicoUsd`, `unit_price`; not `unpriced_requests`, which counts.
const moneyName = /(?:^|_|[a-z])(?:[uU]sd|[cC]osts?|[pP]rices?|[cC]ents|[aA]mount)(?:$|_|[A-Z0-9])/
const notMoney = /^(cost_?centre|costCentre|price_?id|priceId|prices_?File)$/i

/** Members and parameters of a text that are named as money and typed, or parsed by zod, as `number`. */
function floatingMoney(text: string): readonly string[] {
  const typed = text.matchAll(
    /['"]?(\w+)['"]?\??:\s*(?:readonly\s+)?(?:[\w\s|[\]'"]*\bnumber\b|z\s*\.\s*(?:number|int|float)|z\s*\.\s*coerce\s*\.\s*number)/g,
  )
  return [...typed]
    .map((match) => match[1] ?? '')
    .filter((name) => moneyName.test(name) && !notMoney.test(name))
}

// Bounds and medians that decide about canaries, never what is charged; the simulator is not ours.
const statistics = new Set([
  'ledger/queries/agent-version-facts.ts: cost_usd',
  'cli/pins-answers.ts: cost_usd',
  'pin/pins.ts: costPerSession',
])

test('money is never a `number`', () => {
  const found = files
    .filter((file) => !file.startsWith('simulator/'))
    .flatMap((file) =>
      floatingMoney(readFileSync(join(source, file), 'utf8')).map((name) => `${file}: ${name}`),
    )
  expect(found.filter((each) => !statistics.has(each))).toEqual([])
})

test('the search for floating money tells right from wrong', () => {
  const seen = (text: string) => floatingMoney(text).length === 1
  expect(seen('readonly cost_usd: number')).toBe(true)
  expect(seen('listPrice?: string | number')).toBe(true)
  expect(seen('unit_price: z.number()')).toBe(true)
  expect(seen('total_cost: z.coerce.number()')).toBe(true)
  expect(seen('costUsd: readonly number[]')).toBe(true)
  expect(seen('cost_usd: string')).toBe(false)
  expect(seen('costPicoUsd: bigint')).toBe(false)
  expect(seen('unpriced_requests: number')).toBe(false)
})

test('files stay small enough to read in one sitting', () => {
  const tooLong = files
    .map((file) => ({ file, lines: readFileSync(join(source, file), 'utf8').split('\n').length }))
    .filter(({ lines }) => lines > 300)
  expect(tooLong).toEqual([])
})
