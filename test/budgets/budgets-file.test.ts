// policies/budgets.yaml: what is understood, and that everything else is refused with its line.
import { expect, test } from 'vitest'
import { PolicyFileError } from '../../src/kernel/errors.ts'
import { noBudgets, parseBudgets } from '../../src/price/budgets/budgets-file.ts'

const parse = (text: string) => parseBudgets(text, 'policies/budgets.yaml')

test('an empty file limits nothing', () => {
  expect(parse('')).toEqual(noBudgets)
  expect(parse('budgets:\n')).toEqual(noBudgets)
})

test('money is exact, hours are milliseconds, and what is left out has its default', () => {
  const { budgets, idleHoldMs } = parse(`idle_hold_minutes: 5
budgets:
  - { name: research, team: research, period: month, usd: "500.10", cost: billed }
  - { name: runs, per: caller, period: week, running_hours: "2.5", on_reach: warn, warn_at: [90, 50, 90] }
  - name: one
    per: session
    usd: "3"
    per_session_usd: "1.50"
  - { name: fair, agent: agent_1, period: { from: 2026-11-01, until: 2026-11-15 }, tokens: 1000 }
`)
  expect(idleHoldMs).toBe(300_000)
  expect(budgets).toMatchObject([
    { team: 'research', per: null, measure: 'billed_usd', limit: 500_100_000_000_000n, onReach: 'refuse' },
    { per: 'caller', measure: 'running_ms', limit: 9_000_000n, warnAt: [50, 90], onReach: 'warn' },
    { per: 'session', period: 'total', perSessionCents: 150n, rule: 'budgets.yaml:5' },
    { agent: 'agent_1', period: { fromMs: Date.UTC(2026, 10, 1), untilMs: Date.UTC(2026, 10, 15) } },
  ])
})

test.each([
  ['- { name: a, period: day, usd: 5 }', 'must be an amount of US dollars in quotes'],
  ['- { name: a, period: day, usd: "0.00" }', 'must be above zero'],
  ['- { name: a, period: day, usd: "0.001" }', 'whole cents'],
  ['- { name: a, period: day, usd: "5", tokens: 5 }', 'and only one'],
  ['- { name: a, period: day }', 'must have one of'],
  ['- { name: a, usd: "5" }', 'must have a `period`'],
  ['- { name: a, per: session, period: day, usd: "5" }', 'is not for a budget of each session'],
  ['- { name: a, per: team, team: x, period: day, usd: "5" }', 'where `team` names one'],
  ['- { name: a, period: day, tokens: 5, cost: list }', 'is for a budget of `usd` alone'],
  ['- { name: a, period: { from: 2026-11-02, until: 2026-11-02 }, usd: "5" }', 'must be after `from`'],
  ['- { name: a, period: { from: 2026-02-31, until: 2026-11-02 }, usd: "5" }', 'days of the calendar'],
  ['- { name: a, period: year, usd: "5" }', 'must be day, week, month or total'],
  ['- { name: a, period: day, usd: "5", whom: me }', 'is not a key that is known here'],
  ['- { name: a, period: day, usd: "5", on_reach: explode }', 'must be warn, refuse or interrupt'],
])('%s is refused with its line', (entry, reason) => {
  const fail = () => parse(`# budgets\nbudgets:\n  ${entry}\n`)
  expect(fail).toThrow(PolicyFileError)
  expect(fail).toThrow(/^policies\/budgets\.yaml:3: /)
  expect(fail).toThrow(reason)
})

test('two budgets of one name are refused', () => {
  const entry = '  - { name: a, period: day, usd: "5" }\n'
  expect(() => parse(`budgets:\n${entry}${entry}`)).toThrow('is the name of another budget, too')
})
