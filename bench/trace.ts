// What the export of sessions costs: CPU of making and serialising spans and log records, for each event, at metadata level.
// Run: npm run bench:trace
import type { SessionTraceRows } from '../src/ledger/queries/session-trace.ts'
import { itemsOf, type LogItem, type SpanItem } from '../src/trace/export/items.ts'
import { createSerialize } from '../src/trace/export/otlp-bytes.ts'
import { readTurns } from '../src/trace/turns/read-turns.ts'
import { sessionFacts, toStored } from '../src/trace/turns/stored-session.ts'

const turns = 40
const stepsEach = 8
const rounds = 7
const times = 10
const startMicros = 1_795_449_600_000_000

/** Turns of a request to a model, a tool and its result, again and again. */
function makeRows(): SessionTraceRows {
  const events: SessionTraceRows['events'][number][] = []
  const charges = new Map<
    string,
    {
      event_id: string
      model: string
      input_tokens: number
      cached_tokens: number
      output_tokens: number
      cost_usd: string
    }
  >()
  const add = (type: string, detail: object): string => {
    const event_id = `sevt_${String(events.length).padStart(8, '0')}`
    const at_micros = startMicros + events.length * 10_000
    events.push({
      event_id,
      type,
      at_micros,
      thread_id: '',
      about_thread_id: '',
      detail: JSON.stringify(detail),
      sent_by: '',
      is_processed: 1,
    })
    return event_id
  }
  for (let turn = 0; turn < turns; turn += 1) {
    add('session.status_running', {})
    for (let step = 0; step < stepsEach; step += 1) {
      const model_request_start_id = add('span.model_request_start', {})
      add('agent.message', { content_blocks: 1, content_bytes: 200 })
      const tool_use_id = add('agent.tool_use', {
        tool_name: 'bash',
        permission: 'allow',
        input_bytes: 40,
        input_hash: 'a'.repeat(64),
      })
      add('agent.tool_result', { tool_use_id, is_error: false, content_bytes: 500 })
      const event_id = add('span.model_request_end', {
        model_request_start_id,
        is_error: false,
        input_tokens: 10,
        output_tokens: 20,
      })
      charges.set(event_id, {
        event_id,
        model: 'claude-sonnet-5-5',
        input_tokens: 10,
        cached_tokens: 0,
        output_tokens: 20,
        cost_usd: '0.000120000000',
      })
    }
    add('session.status_idle', { stop_reason: 'end_turn' })
  }
  return {
    session: {
      ...{ team: 'payments', caller: 'ci', agent_id: 'agent_1', agent_name: 'reviewer', agent_version: 3 },
      ...{ model: 'claude-sonnet-5-5', environment_id: 'env_1', deployment_id: '' },
    },
    ...{ admission: null, threads: [], refusals: [], senders: new Map() },
    ...{ events, charges },
  }
}

const rows = makeRows()
for (const protocol of ['http/protobuf', 'http/json'] as const) {
  const serialize = createSerialize(protocol, { 'service.name': 'tollgate' }, '0')
  let spans = 0
  const once = (): void => {
    const stored = rows.events.map(toStored)
    const items = itemsOf('sesn_1', readTurns(stored, sessionFacts('sesn_1', rows)), rows, stored, {
      mode: 'full',
      settledMicros: Number.MAX_SAFE_INTEGER,
      isNew: () => true,
    })
    const own = items.filter((item): item is SpanItem => item.kind === 'span')
    spans = own.length
    for (let at = 0; at < own.length; at += 512) serialize.spans(own.slice(at, at + 512))
    const logs = items.filter((item): item is LogItem => item.kind === 'log')
    for (let at = 0; at < logs.length; at += 512) serialize.logs(logs.slice(at, at + 512))
  }
  const perEvent = (): number => {
    const before = process.cpuUsage()
    for (let time = 0; time < times; time += 1) once()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / times / rows.events.length
  }
  perEvent()
  const micros = Array.from({ length: rounds }, perEvent).toSorted((a, b) => a - b)
  const median = micros[Math.floor(rounds / 2)] ?? 0
  console.log(
    `${protocol}: ${median.toFixed(1)} us of CPU an event (spans and log record, reading turns included), median of ${rounds}; ` +
      `${rows.events.length} events, ${spans} spans; 1,000 events/s would take ${(median / 10).toFixed(2)} % of a core`,
  )
}
