// What it costs to read along with a stream: CPU of the tap for an event, with every event kept and with the metered ones
// alone. Run: npm run bench -- tap
import { followEvents } from './tap-stream.ts'

const kinds = ['metered', 'all'] as const
const rounds = 5

/** A run of an agent in small: a request, what it says, a tool and its result. */
const events = [
  ['span.model_request_start', {}],
  ['agent.message', { content: [{ type: 'text', text: 'x'.repeat(200) }] }],
  ['agent.tool_use', { name: 'bash', input: { command: 'ls -la' }, evaluated_permission: 'allow' }],
  ['agent.tool_result', { tool_use_id: 'sevt_2', content: [{ type: 'text', text: 'y'.repeat(200) }] }],
  [
    'span.model_request_end',
    {
      model_request_start_id: 'sevt_0',
      is_error: false,
      model_usage: { input_tokens: 10, output_tokens: 20 },
    },
  ],
] as const

const frames = Array.from({ length: 1_000 }, (_, at) => {
  const [type, body] = events[at % events.length] ?? events[0]
  const event = { id: `sevt_${at}`, type, processed_at: '2026-11-24T00:00:00Z', ...body }
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`)
})

const perEvent = (kept: (typeof kinds)[number], times: number): number => {
  const before = process.cpuUsage()
  for (let time = 0; time < times; time += 1) followEvents(kept, frames)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times / frames.length
}

for (const kept of kinds) perEvent(kept, 50)
for (const kept of kinds) {
  const micros = Array.from({ length: rounds }, () => perEvent(kept, 50)).toSorted((a, b) => a - b)
  console.log(
    `TOLLGATE_EVENTS=${kept}: ${(micros[2] ?? 0).toFixed(2)} us of CPU an event, median of ${rounds}`,
  )
}
