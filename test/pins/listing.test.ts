import { expect, test } from 'vitest'
import { listSessions, type ReadAccount } from '../../src/audit/exposure/upstream-sessions.ts'
import { openSessionHouse } from '../support/session-house.ts'

const always = { fromMs: 0, toMs: Date.UTC(2100, 0) }

test('the list of an account is read to its end, archived sessions included, and every page is asked for once', async () => {
  const { simulator, sessions, create } = await openSessionHouse()
  const made = await Promise.all(Array.from({ length: 130 }, () => create()))
  const [first] = made
  if (first !== undefined) await sessions.archive(first.id)
  const asked: string[] = []
  const read: ReadAccount = async (_account, path, betas) => {
    asked.push(path)
    const headers = {
      'x-api-key': simulator.apiKey,
      'anthropic-version': '2026-10-21',
      'anthropic-beta': betas.join(),
    }
    const answer = await fetch(simulator.url + path, { headers })
    return { status: answer.status, body: await answer.json() }
  }
  const { sessions: listed, problems } = await listSessions(read, 'default', always)
  expect(problems).toEqual([])
  expect(listed.map(({ session_id }) => session_id).sort()).toEqual(made.map(({ id }) => id).sort())
  expect(asked).toHaveLength(2)
})

test.each<[string, Awaited<ReturnType<ReadAccount>> | null]>([
  ['no answer', null],
  ['an error', { status: 500, body: {} }],
  ['no list', { status: 200, body: { data: 'x' } }],
  ['an unreadable session', { status: 200, body: { data: [{ id: 'sesn_1' }], next_page: null } }],
])('after %s the list is not whole, and says so', async (_case, answer) => {
  const read: ReadAccount = async () => {
    if (answer === null) throw new Error('down')
    return answer
  }
  const { sessions, problems } = await listSessions(read, 'first', always)
  expect(sessions).toEqual([])
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain('account first')
})

test('an upstream whose pages never end is left in the end', async () => {
  let pages = 0
  const read: ReadAccount = async () => {
    pages += 1
    return { status: 200, body: { data: [], next_page: `p${pages}` } }
  }
  const { problems } = await listSessions(read, 'first', always)
  expect(pages).toBe(1_000)
  expect(problems[0]).toContain('more than')
})
