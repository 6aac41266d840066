// Every way in which a version stays unpinned or a pin is hollow, in every mode, through the real SDK: what goes up, to the
// byte, and what the caller is told.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requirementNames } from '../../src/pin/pins.ts'
import { allRules } from '../../src/pin/rules/all-rules.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { definitionWays } from '../support/pin-ways/definitions.ts'
import { runWays } from '../support/pin-ways/runs.ts'
import type { Made, Way } from '../support/pin-ways/way.ts'

const ways: readonly Way[] = [...runWays, ...definitionWays]
/** What never passes the gateway has no request: the report and the look at each answer tell it. */
const outOfBand = 25
const toldElsewhere: ReadonlySet<string> = new Set(['verified_answer'])

let house: TestHouse
let upstream: Anthropic

beforeAll(async () => {
  // Without stamps, what goes up is what was sent, or what was forced.
  house = await openTestHouse({ env: { TOLLGATE_STAMPING: 'off' } })
  upstream = new Anthropic({ baseURL: house.simulator.url, apiKey: house.simulator.apiKey, maxRetries: 0 })
})
afterAll(() => house.destroy())

type Tried = {
  readonly sent: string
  /** The bodies that reached the upstream at the request's path. */
  readonly arrived: readonly string[]
  readonly failure: unknown
  readonly pinHeader: string | null
  readonly made: Made
}

async function attempt(way: Way, mode: string): Promise<Tried> {
  const made = await way.prepare(upstream, house.simulator)
  const required = `{ mode: ${mode}, allow: [${(way.allow ?? []).join(', ')}] }`
  const pins = `default: tried\nclasses:\n  tried: { ${way.requirement}: ${required} }\n${way.pins?.(made) ?? ''}\n`
  writeFileSync(join(house.policiesDir, 'pins.yaml'), pins)
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
  const seen: { sent: string; pinHeader: string | null } = { sent: '', pinHeader: null }
  const client = new Anthropic({
    baseURL: house.gatewayUrl,
    apiKey: house.key,
    maxRetries: 0,
    fetch: async (url, init) => {
      seen.sent = typeof init?.body === 'string' ? init.body : ''
      const answer = await fetch(url, init)
      seen.pinHeader = answer.headers.get('x-tollgate-pin')
      return answer
    },
  })
  const before = house.simulator.requests().length
  const failure = await way.send(client, made).then(
    () => null,
    (error: unknown) => error,
  )
  const arrived = house.simulator
    .requests()
    .slice(before)
    .filter(({ method, path }) => method === 'POST' && path.split('?')[0] === way.path(made))
    .map(({ bodyText }) => bodyText)
  return { ...seen, arrived, failure, made }
}

const nameOf = ({ way, requirement, about }: Way): string => `way ${way}, ${requirement}: ${about}`
const cases = ways.map((way) => [nameOf(way), way] as const)

test.each(cases)('%s passes byte for byte when off or observed', async (_name, way) => {
  for (const mode of ['off', 'observe']) {
    const { sent, arrived, failure, pinHeader } = await attempt(way, mode)
    expect(failure).toBeNull()
    expect(arrived).toEqual([sent])
    expect(pinHeader ?? '').not.toContain('force')
  }
})

test.each(cases)('%s is refused when required, and told what to send', async (_name, way) => {
  refused(way, await attempt(way, 'require'))
})

test.each(cases)('%s, forced, goes up with these bytes or not at all', async (_name, way) => {
  const tried = await attempt(way, 'force')
  if (way.forced === null) {
    refused(way, tried)
    return
  }
  expect(tried.failure).toBeNull()
  expect(tried.arrived).toEqual([way.forced(tried.sent, tried.made)])
  expect(tried.pinHeader).toMatch(/^force; /)
  expect(tried.pinHeader).toContain('class=tried')
  expect(tried.pinHeader).toContain(`rule=${way.requirement}`)
})

function refused(way: Way, { arrived, failure }: Tried): void {
  expect(arrived).toEqual([])
  if (!(failure instanceof APIError)) throw new Error(`${nameOf(way)} was not refused`)
  expect(failure.status).toBe(403)
  expect(failure.type).toBe('permission_error')
  expect(failure.message).toMatch(/class tried, pins\.yaml:\d+/)
}

test('every way has a case, and every requirement that a request can meet', () => {
  const covered = new Set(ways.map(({ way }) => way))
  for (let way = 1; way < outOfBand; way++) expect(covered, `way ${way}`).toContain(way)
  const required = new Set(ways.map(({ requirement }) => requirement))
  for (const name of requirementNames) {
    if (toldElsewhere.has(name)) continue
    expect(required, name).toContain(name)
    expect(
      allRules.some((rule) => rule.requirement === name),
      name,
    ).toBe(true)
  }
})

test('the page about versions has a line for every way and every requirement', () => {
  const page = readFileSync('docs/versions.md', 'utf8')
  for (let way = 1; way <= outOfBand; way++) expect(page).toMatch(new RegExp(`^\\|\\s+${way}\\s+\\|`, 'm'))
  for (const name of requirementNames) expect(page).toContain(`\`${name}\``)
})
