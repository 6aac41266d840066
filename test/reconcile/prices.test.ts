// The whole way: prices are the upstream's for everything that passes, and one that is not shows in the first sessions.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAccounting } from '../support/accounting.ts'
import { scenarios } from '../support/billed-scenarios.ts'
import { runCommand } from '../support/run-command.ts'
import { until } from '../support/until.ts'

const minute = 60_000
const dayMs = 1_440 * minute
const startMs = Math.floor(Date.now() / dayMs) * dayMs - 10 * dayMs + 60 * minute

/** A house through which three sessions ran to their end, and its prices checked. */
async function checkedHouse(env: { readonly [name: string]: string }, sessions: number) {
  const watching = { TOLLGATE_WATCH: 'on', TOLLGATE_WATCH_SWEEP_MS: '300', TOLLGATE_WATCH_CHECK_MS: '300' }
  const books = await openAccounting({ startMs, scenarios, env: { ...watching, ...env } })
  onTestFinished(() => books.close())
  for (const scenario of ['chat', 'family', 'tiers']) {
    const id = await books.open('payments', 'claude-haiku-5-5', scenario)
    await books.send('payments', id)
  }
  books.clock.advance(2 * 60 * minute)
  const command = (...args: readonly string[]) =>
    runCommand(books.house(), books.house().key, ['prices', ...args])
  const report = await until(
    async () => {
      await books.settle()
      return JSON.parse((await command('check', '--json')).out)
    },
    ({ compared }) => compared === sessions,
  )
  return { books, command, report }
}

test('what passed costs by our prices what the upstream states, whatever tier, cache and thread', async () => {
  const { books, command, report } = await checkedHouse({}, 3)
  expect(report).toMatchObject({ complete: true, drifting: 0, likely_sku: null, unpriced: [] })
  expect((await command('check')).code).toBe(0)
  expect(existsSync(join(books.house().policiesDir, 'prices.yaml'))).toBe(true)
  const listed = JSON.parse((await command('--json')).out)
  expect([listed.rate_version, listed.terms_version]).toEqual([1, 1])
  const metrics = await fetch(`${books.house().adminUrl}/metrics`, {
    headers: { authorization: `Bearer ${books.house().key}` },
  })
  expect(await metrics.text()).toMatch(/^tollgate_unpriced_requests(\{.*\})? 0$/m)
}, 60_000)

test('a default geography that is not the workspace’s makes the check fail, for every request is charged by it', async () => {
  const { command, report } = await checkedHouse({ TOLLGATE_DEFAULT_INFERENCE_GEO: 'us' }, 2)
  expect(report.drifting).toBeGreaterThan(0)
  // A model that is not offered there has no such price; its session is told of, and not compared.
  expect(report.unpriced).toMatchObject([{ model: 'claude-haiku-4-5', requests: 1 }])
  expect(report.likely_sku).toContain('/us')
  expect((await command('check')).code).toBe(1)
}, 60_000)
