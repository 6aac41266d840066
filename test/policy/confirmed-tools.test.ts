// Which tool a confirmed call runs, as the session shows it; where nobody can say, it may be any that anybody denies.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createConfirmedTools } from '../../src/authorize/confirmed-tools.ts'
import { decideFor } from '../../src/authorize/decide.ts'
import { loadPolicySnapshot } from '../../src/authorize/load-policies.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { operationOf } from '../support/asked-of.ts'
import { callerOf } from '../support/caller-of.ts'

const caller = callerOf({ id: 'ci', team: 'payments', roles: ['dev'] })
const confirming = (...ids: readonly string[]) => ({
  operation: operationOf('sessions.events.send'),
  caller,
  params: { session_id: 'sesn_1' },
  parsed: { events: ids.map((id) => ({ type: 'user.tool_confirmation', tool_use_id: id, result: 'allow' })) },
})
const use = (id: string, name: string, more: object = {}) => ({ type: 'agent.tool_use', id, name, ...more })

/** An upstream that answers these lists, by path without the query. */
function upstreamWith(lists: { readonly [path: string]: readonly object[] }, next: string | null = null) {
  const asked: string[] = []
  const find = createConfirmedTools({
    readUpstream: async (_team, path) => {
      asked.push(path)
      const data = lists[path.split('?')[0] ?? '']
      return data === undefined
        ? { status: 500, body: null }
        : { status: 200, body: { data, next_page: next } }
    },
  })
  return { find, asked }
}

test('a call is named by its tool, an MCP call by server and tool, and asked about once', async () => {
  const server = { type: 'agent.mcp_tool_use', mcp_server_name: 'git hub' }
  const { find, asked } = upstreamWith({
    '/v1/sessions/sesn_1/events': [use('sevt_1', 'bash'), use('sevt_2', 'list*', server)],
  })
  const found = {
    capabilities: [
      { action: 'tool.confirm', object: 'tool/bash' },
      { action: 'tool.confirm', object: 'tool/mcp:git%20hub!list%2A' },
    ],
    strangers: [],
  }
  expect(await find(confirming('sevt_1', 'sevt_2'))).toEqual(found)
  expect(await find(confirming('sevt_1', 'sevt_2'))).toEqual(found)
  expect(asked).toHaveLength(1)
  expect(find({ ...confirming(), parsed: { events: [{ type: 'user.message' }] } })).toBeNull()
})

test('a call that only its thread shows is found there; one that nothing shows is a stranger', async () => {
  const { find } = upstreamWith({
    '/v1/sessions/sesn_1/events': [],
    '/v1/sessions/sesn_1/threads': [{ id: 'sthr_1' }],
    '/v1/sessions/sesn_1/threads/sthr_1/events': [use('sevt_1', 'write')],
  })
  expect(await find(confirming('sevt_1', 'sevt_9'))).toEqual({
    capabilities: [{ action: 'tool.confirm', object: 'tool/write' }],
    strangers: ['sevt_9'],
  })
})

test.each([
  ['cannot be read', upstreamWith({})],
  [
    'never ends',
    upstreamWith({ '/v1/sessions/sesn_1/events': [], '/v1/sessions/sesn_1/threads': [] }, 'more'),
  ],
])('where a session %s, the call may be of any tool, with a bounded number of reads', async (_, upstream) => {
  expect(await upstream.find(confirming('sevt_1'))).toEqual({
    capabilities: [{ action: 'tool.confirm', object: 'tool/*' }],
    strangers: [],
  })
  expect(upstream.asked.length).toBeLessThanOrEqual(12)
})

test('whoever may confirm every tool but one may not confirm a call that could be of that one', async () => {
  const directory = parseDirectory(
    'teams: [{ name: payments, cost_centre: a }]\ncallers: [{ id: ci, team: payments, roles: [dev] }]\n',
    'directory.yaml',
    new Set(['dev']),
  )
  const text = (rules: readonly string[]) => ({ file: 'policy.csv', text: `${rules.join('\n')}\n` })
  const model = {
    file: 'model.conf',
    text: readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8'),
  }
  const allow = 'p, role:dev, *, tool.confirm, tool/*, allow'
  const deny = 'p, *, *, tool.confirm, tool/bash, deny'
  const unknown = { action: 'tool.confirm', object: 'tool/*' }
  const open = await loadPolicySnapshot({ model, policy: text([allow]), directory })
  expect(decideFor(open, caller, unknown)).toEqual({ allowed: true, rule: 'policy.csv:1' })
  const closed = await loadPolicySnapshot({ model, policy: text([allow, deny]), directory })
  expect(decideFor(closed, caller, unknown)).toEqual({ allowed: false, rule: 'policy.csv:2' })
  expect(decideFor(closed, caller, { ...unknown, object: 'tool/read' }).allowed).toBe(true)
})
