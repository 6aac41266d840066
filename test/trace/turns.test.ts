// The turns of a session: made of its events alone, the same whoever reads them in whichever order, and complete.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SessionEventRow } from '../../src/ledger/session-rows.ts'
import { parseLedgerTime } from '../../src/meter/upstream-time.ts'
import type { StoredEvent } from '../../src/trace/turns/event-line.ts'
import { readTurns } from '../../src/trace/turns/read-turns.ts'
import type { Turn, TurnSpan } from '../../src/trace/turns/span.ts'
import { eventDetailSchema } from '../../src/upstream/event-detail-schema.ts'
import { kept, library } from '../support/kept-events.ts'
import { playTurn } from '../support/scenario-driver.ts'
import { collect } from '../support/session-house.ts'
import { until } from '../support/until.ts'
import { openWatchedWorld } from '../support/watched-world.ts'

const stored = (row: SessionEventRow): StoredEvent => ({
  eventId: row.event_id,
  type: row.type,
  atMicros: parseLedgerTime(row.occurred_at),
  carriedBy: row.thread_id,
  about: row.about_thread_id,
  detail: eventDetailSchema.parse(JSON.parse(row.detail)),
})

async function play(scenario: string) {
  const world = await openWatchedWorld()
  world.watch()
  const { id } = await world.create({ metadata: { simulator_scenario: scenario } })
  await playTurn(world, id)
  await world.agrees(id)
  const ended = (rows: readonly SessionEventRow[]) =>
    rows.filter(({ type }) => type.startsWith('session.status_')).at(-1)
  await until(
    () => kept(world, id),
    (rows) => ended(rows)?.type !== 'session.status_running',
  )
  const threads = await collect(world.sessions.threads.list(id))
  const facts = {
    sessionId: id,
    agentName: 'bot',
    primaryThreads: new Set(threads.filter((each) => each.parent_thread_id === null).map((each) => each.id)),
    modelOf: () => 'model',
  }
  const events = kept(world, id).map(stored)
  return { events, facts, turns: readTurns(events, facts) }
}

const flat = (spans: readonly TurnSpan[]): readonly TurnSpan[] =>
  spans.flatMap((span) => [span, ...flat(span.children)])
const shape = (spans: readonly TurnSpan[]): readonly unknown[] =>
  spans.map(({ kind, name, children }) =>
    children.length === 0 ? `${kind} ${name}` : [`${kind} ${name}`, shape(children)],
  )
const spansOf = (turns: readonly Turn[]) => turns.flatMap(({ spans }) => flat(spans))

test.each(library)(
  '%s: every request, tool and run is a span, once, in its time, whatever the order of the events',
  async (scenario) => {
    const { events, facts, turns } = await play(scenario)
    const spans = spansOf(turns)
    const count = (kind: string) => spans.filter((span) => span.kind === kind).length
    const types = (type: string) =>
      new Set(events.filter((event) => event.type === type).map(({ eventId }) => eventId)).size
    expect(count('chat')).toBe(types('span.model_request_start'))
    expect(count('evaluate_outcome')).toBe(types('span.outcome_evaluation_start'))
    expect(turns.length).toBeGreaterThan(0)
    expect(turns.every(({ endedAtMicros }) => endedAtMicros !== null)).toBe(true)
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    for (const span of spans) {
      expect(span.endedAtMicros).toBeGreaterThanOrEqual(span.startedAtMicros)
      for (const child of span.children) {
        expect(child.endedAtMicros).toBeLessThanOrEqual(span.endedAtMicros ?? 0)
        if (child.kind !== 'await_client')
          expect(child.startedAtMicros).toBeGreaterThanOrEqual(span.startedAtMicros)
      }
    }
    const again = fc.shuffledSubarray([...events, ...events], {
      minLength: events.length * 2,
      maxLength: events.length * 2,
    })
    fc.assert(
      fc.property(again, (mixed) => {
        expect(readTurns(mixed, facts)).toEqual(turns)
      }),
      { numRuns: 10 },
    )
  },
)

test('a command that waits for a person is in its turn, and what waited outlives the run it began in', async () => {
  const { turns } = await play('tool_confirmation')
  expect(turns.map(({ stopReason, spans }) => [stopReason, shape(spans)])).toEqual([
    [
      'end_turn',
      [
        ['invoke_agent bot', ['chat model']],
        'await_approval bash',
        'execute_tool bash',
        ['invoke_agent bot', ['chat model']],
      ],
    ],
  ])
  const approval = spansOf(turns).find(({ kind }) => kind === 'await_approval')
  expect(approval?.facts).toEqual({ result: 'allow' })
})

test('child threads are runs of their own agent, with their own requests in them', async () => {
  const { turns } = await play('child_thread')
  const children = turns
    .flatMap(({ spans }) => spans)
    .filter(({ kind, threadId }) => kind === 'invoke_agent' && threadId !== '')
  expect(children.length).toBeGreaterThan(0)
  for (const child of children) expect(child.children.some(({ kind }) => kind === 'chat')).toBe(true)
})

const line = (
  eventId: string,
  type: string,
  atMicros: number,
  detail: StoredEvent['detail'] = {},
): StoredEvent => ({
  ...{ eventId, type, atMicros, carriedBy: '', about: '', detail },
})
const facts = { sessionId: 's', agentName: 'bot', primaryThreads: new Set<string>(), modelOf: () => 'm' }

test('an id is made of the session and the first event, and of nothing that came later', () => {
  const began = [line('a', 'session.status_running', 1), line('b', 'span.model_request_start', 2)]
  const ended = [
    ...began,
    line('c', 'span.model_request_end', 3, { model_request_start_id: 'b' }),
    line('d', 'session.status_idle', 4, { stop_reason: 'end_turn' }),
  ]
  const [early] = readTurns(began, facts)
  const [late] = readTurns(ended, facts)
  expect([early?.traceId, early?.anchorId]).toEqual([late?.traceId, late?.anchorId])
  expect(spansOf(early === undefined ? [] : [early]).map(({ spanId }) => spanId)).toEqual(
    spansOf(late === undefined ? [] : [late]).map(({ spanId }) => spanId),
  )
  expect([early?.endedAtMicros, late?.endedAtMicros]).toEqual([null, 4])
  expect(readTurns(ended, { ...facts, sessionId: 't' })[0]?.traceId).not.toBe(late?.traceId)
})

test('what never ended ends with its turn and says so; an error of the session is its run\u2019s', () => {
  const [turn] = readTurns(
    [
      line('a', 'session.status_running', 1),
      line('b', 'agent.tool_use', 2, { tool_name: 'bash', permission: 'allow' }),
      line('c', 'session.error', 3, { error_type: 'overloaded_error', retry_status: 'exhausted' }),
      line('d', 'session.status_idle', 4, { stop_reason: 'retries_exhausted' }),
    ],
    facts,
  )
  expect(turn?.spans).toMatchObject([
    {
      kind: 'invoke_agent',
      error: 'overloaded_error',
      children: [
        { kind: 'execute_tool', error: 'incomplete', endedAtMicros: 4, facts: { incomplete: true } },
      ],
    },
  ])
})

test('a tool that a rule or a person refused is over with the refusal, and is no error', () => {
  const [turn] = readTurns(
    [
      line('a', 'session.status_running', 1),
      line('b', 'agent.tool_use', 2, { tool_name: 'bash', permission: 'ask' }),
      line('c', 'session.status_idle', 3, { stop_reason: 'requires_action', stop_event_ids: 'b' }),
      line('d', 'user.tool_confirmation', 9, { tool_use_id: 'b', confirmation: 'deny' }),
      line('e', 'session.status_running', 10),
      line('f', 'session.status_idle', 11, { stop_reason: 'end_turn' }),
    ],
    facts,
  )
  const use = turn?.spans.find(({ kind }) => kind === 'execute_tool')
  expect([use?.endedAtMicros, use?.error, use?.facts['confirmation']]).toEqual([9, '', 'deny'])
})

test('a tool that the client runs is waited for from the moment the session stopped for it', () => {
  const [turn] = readTurns(
    [
      line('a', 'session.status_running', 1),
      line('b', 'agent.custom_tool_use', 2, { tool_name: 'look' }),
      line('c', 'session.status_idle', 3, { stop_reason: 'requires_action', stop_event_ids: 'b' }),
      line('d', 'user.custom_tool_result', 9, { tool_use_id: 'b' }),
      line('e', 'session.status_running', 10),
      line('f', 'session.status_terminated', 11),
    ],
    facts,
  )
  expect(turn?.stopReason).toBe('terminated')
  expect(turn?.spans.find(({ kind }) => kind === 'execute_tool')).toMatchObject({
    endedAtMicros: 9,
    children: [{ kind: 'await_client', startedAtMicros: 3, endedAtMicros: 9 }],
  })
})
