// A program of its own: an upstream whose every answer is an event stream. `?per_second=20&phase=0.3` paces events of
// about 300 bytes, each with the time it was written; without `per_second` it sends one event and stays silent.
import { createServer, type ServerResponse } from 'node:http'

type Stream = { readonly response: ServerResponse; readonly everyMs: number; dueMs: number; count: number }

const streams = new Set<Stream>()
const frameBytes = 300
let serial = 0

// As a session runs: mostly text, now and then a tool, and the counts of a model request.
const types = [
  'span.model_request_start',
  ...Array.from({ length: 8 }, () => 'agent.message'),
  'agent.tool_use',
  'user.tool_result',
  ...Array.from({ length: 8 }, () => 'agent.message'),
  'span.model_request_end',
] as const

const counts = {
  input_tokens: 1200,
  output_tokens: 340,
  cache_read_input_tokens: 9000,
  cache_creation_input_tokens: 0,
}

function frameOf(count: number): string {
  const type = types[count % types.length] ?? 'agent.message'
  const event = {
    id: `sevt_01Benchmark${String(serial++).padStart(12, '0')}`,
    type,
    processed_at: new Date().toISOString(),
    ...(type === 'span.model_request_end' ? { model_usage: counts, is_error: false } : {}),
    sent_ns: String(process.hrtime.bigint()),
    filler: '',
  }
  const bare = `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`
  return bare.replace('"filler":""', () => `"filler":"${'x'.repeat(Math.max(0, frameBytes - bare.length))}"`)
}

function send(stream: Stream): void {
  stream.response.write(frameOf(stream.count))
  stream.count += 1
}

setInterval(() => {
  const nowMs = performance.now()
  for (const stream of streams) {
    if (stream.dueMs > nowMs) continue
    send(stream)
    // A tick that came late does not make a burst: the pace goes on from here.
    stream.dueMs = Math.max(stream.dueMs + stream.everyMs, nowMs)
  }
}, 1)

const server = createServer((request, response) => {
  const query = new URL(request.url ?? '/', 'http://upstream').searchParams
  const perSecond = Number(query.get('per_second') ?? 0)
  const everyMs = perSecond === 0 ? Number.POSITIVE_INFINITY : 1000 / perSecond
  const phase = Number(query.get('phase') ?? 0)
  const stream: Stream = { response, everyMs, dueMs: performance.now() + everyMs * (1 + phase), count: 0 }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  response.flushHeaders()
  send(stream)
  streams.add(stream)
  response.once('close', () => streams.delete(stream))
})
server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    console.log(`listening http://127.0.0.1:${address.port}`)
})
