// A newer API than the one Tollgate knows: its words pass in both directions as they are, and are counted.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UnknownKind } from '../../src/upstream/unknowns.ts'
import { differencesOf, type Recording } from '../support/allowed-differences.ts'
import { faulty } from '../support/twin-lane.ts'
import { createHurriedClock, openTwins, type Program, type Twins } from '../support/twin-worlds.ts'
import { startVerbatimUpstream } from '../support/verbatim-upstream.ts'
import { walkSessions } from './walk-sessions.ts'

let twins: Twins

beforeAll(async () => {
  twins = await openTwins()
})
afterAll(() => twins.close())

type Count = `${'request' | 'answer'} ${UnknownKind}`

/** Every series of the counter, by `side kind`. */
async function readCounts(): Promise<ReadonlyMap<string, number>> {
  const text = await (await twins.house.admin('/metrics')).text()
  const lines = text.matchAll(/^tollgate_unknown_total\{side="(\w+)",kind="(\w+)"\} (\d+)/gm)
  return new Map([...lines].map(([, side, kind, count]) => [`${side} ${kind}`, Number(count)]))
}

/** What the twins recorded, which must be alike, and what was counted on the way through. */
async function counting(run: () => Promise<{ readonly direct: Recording; readonly through: Recording }>) {
  const before = await readCounts()
  const recordings = await run()
  expect(differencesOf(recordings.direct, recordings.through)).toEqual([])
  const after = await readCounts()
  const counted = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
  return { ...recordings, counted: Object.fromEntries(counted.filter(([, count]) => count > 0)) }
}

const program = (run: Program) =>
  counting(() => twins.run(run, { clock: createHurriedClock(), heartbeatMs: 1_000_000 }))

/** The same answer to everything: what a newer upstream might say. */
async function answering(body: object | string, run: Parameters<Twins['runAt']>[1]) {
  const [type, text] =
    typeof body === 'string' ? ['text/event-stream', body] : ['application/json', JSON.stringify(body)]
  const bytes = `HTTP/1.1 200 OK\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Type: ${type}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  const upstream = await startVerbatimUpstream({ bytes })
  try {
    return await counting(() => twins.runAt(upstream.url, run))
  } finally {
    await upstream.close()
  }
}

const expected = (counts: { readonly [Name in Count]?: number }) => counts

const session = {
  type: 'session',
  id: 'sesn_1',
  agent: { type: 'agent', id: 'agent_1', version: 1, model: { id: 'claude-next', speed: 'ludicrous' } },
  status: 'idle',
}

test('ordinary traffic counts nothing', async () => {
  const { counted } = await counting(() => twins.run(walkSessions))
  expect(counted).toEqual({})
})

test('unknown betas and versions go up as they are', async () => {
  const { counted, through } = await answering({ data: [] }, async (lane) => {
    const headers = [['anthropic-version', '2031-01-01']] as const
    await lane.ask(
      'agents.list',
      {},
      { betas: 'managed-agents-2026-04-01,brand-new-2031-01-01, other-2031-02-02' },
    )
    await lane.ask('models.list', {}, { betas: '', headers })
  })
  expect(through.requests).toHaveLength(2)
  // A version sent twice is one that nobody knows.
  expect(counted).toEqual(expected({ 'request beta': 2, 'request version': 1 }))
})

test('what the upstream refuses is refused in its own words', async () => {
  const { counted, through } = await program(async (lane) => {
    await lane.ask('agents.list', {}, { betas: 'brand-new-2031-01-01' })
  })
  expect(through.answers[0]?.answer.message?.body().toString()).toContain(
    'Unexpected value(s) `brand-new-2031-01-01`',
  )
  expect(counted).toEqual(expected({ 'request beta': 1 }))
})

test('unknown members of requests go up, wherever they stand', async () => {
  const { counted } = await answering(session, async (lane) => {
    await lane.ask(
      'agents.create',
      {},
      { body: { name: 'a', model: 'm', tools: [{ type: 'new', deep: { er: 1 } }], mood: 1 } },
    )
    await lane.ask('environments.create', {}, { body: { name: 'e', config: { type: 'orbital', new: true } } })
    await lane.ask(
      'sessions.create',
      {},
      { body: { agent: 'agent_1', environment_id: 'env_1', priority: { level: 9 } } },
    )
    await lane.ask(
      'messages.create',
      {},
      { body: { model: 'm', max_tokens: 1, messages: [], brand_new: null } },
    )
    await lane.ask('agents.list', {}, { query: '?brand_new[]=1&limit=1' })
  })
  expect(counted).toEqual(expected({ 'request field': 3 }))
})

test('unknown event types go up under a policy that allows them, with their members', async () => {
  const events = [
    { type: 'user.wave', hand: 'left' },
    { type: 'user.message', content: [], tone: 'kind' },
  ]
  const { counted } = await answering({ data: events }, async (lane) => {
    await lane.ask('sessions.events.send', { session_id: 'sesn_1' }, { body: { events } })
  })
  expect(counted).toEqual(
    expected({ 'request event_type': 1, 'request field': 2, 'answer event_type': 1, 'answer field': 2 }),
  )
})

test('unknown event types and members come down a stream', async () => {
  const frame = (event: { readonly type: string }) =>
    `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  const events = [
    { type: 'agent.sang', id: 'sevt_1', song: 'la' },
    { type: 'session.status_dreaming', id: 'sevt_2', processed_at: null, depth: 3 },
    { type: 'session.status_idle', id: 'sevt_3', processed_at: null, stop_reason: { type: 'bored' } },
    { type: 'agent.message', id: 'sevt_4', content: [] },
  ]
  const text = `${events.map(frame).join('')}data: {"type":"nameless.frame"}\n\nevent: ping\ndata: {"type":"ping"}\n\n`
  const { counted } = await answering(text, async (lane) => {
    await lane.ask('sessions.events.stream', { session_id: 'sesn_1' })
  })
  // The song of the unknown event, and the depth of the dream.
  expect(counted).toEqual(expected({ 'answer event_type': 3, 'answer field': 2, 'answer enum_value': 1 }))
})

test('the simulator’s own unknown events and members come down, too', async () => {
  const { counted } = await program(async (lane) => {
    const agent = await lane.call('agents.create', {}, { body: { name: 'a', model: 'claude-sonnet-5-5' } })
    const environment = await lane.call('environments.create', {}, { body: { name: 'e' } })
    const body = { agent: agent.id, environment_id: environment.id }
    await lane.call('sessions.create', {}, { body, ...faulty({ unknown_fields: true }) })
    await lane.call('sessions.list', {}, faulty({ unknown_fields: true }))
    await lane.call('agents.list', {}, faulty({ unknown_fields: true }))
  })
  // One for the session created and one for it in the list; agents are not read.
  expect(counted).toEqual(expected({ 'answer field': 2 }))
})

test('new values and objects in answers come down', async () => {
  const page = {
    data: [
      { ...session, status: 'hibernating' },
      { type: 'session_group', id: 'sesg_1' },
    ],
    next: 1,
  }
  const { counted } = await answering(page, async (lane) => {
    await lane.ask('sessions.list')
  })
  expect(counted).toEqual(expected({ 'answer enum_value': 1, 'answer object_type': 1 }))
})

test('a member that is judged and cannot be read is refused, and the upstream does not hear of it', async () => {
  const { through } = await twins.run(async (lane) => {
    for (const body of [
      { agent: { type: 'agent', id: 'agent 1' }, environment_id: 'env_1' },
      { Agent: 'agent_1', environment_id: 'env_1' },
      { agent: 'agent_1', environment_id: ['env_1'] },
    ]) {
      await lane.ask('sessions.create', {}, { body })
    }
    await lane.ask(
      'sessions.events.send',
      { session_id: 'sesn_1' },
      { body: { events: [{ type: 'User Message' }] } },
    )
  })
  const lines = through.answers.map(({ answer }) => answer.message?.startLine)
  expect(new Set(lines)).toEqual(new Set(['HTTP/1.1 400 Bad Request']))
  expect(through.requests.map((request) => request.body().toString())).toEqual([])
})
