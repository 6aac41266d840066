// The events that the stream upstream sends, as bytes ready for the wire: each one chunk of a chunked answer.

const newline = '\r\n'

/** A chunk as HTTP/1.1 has it. */
function chunk(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}${newline}${text}${newline}`, 'latin1')
}

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
const eventBytes = 300
let serial = 0

/** The nth event of a session, about 300 bytes, with the time it was written. */
export function sessionEvent(count: number): Buffer {
  return chunk(eventText(types[count % types.length] ?? 'agent.message'))
}

/** The end of a model request, with its counts: what a ledger keeps. */
export function countsEvent(): Buffer {
  return chunk(eventText('span.model_request_end'))
}

function eventText(type: string): string {
  const event = {
    id: `sevt_01Benchmark${String(serial++).padStart(12, '0')}`,
    type,
    processed_at: new Date().toISOString(),
    ...(type === 'span.model_request_end' ? { model_usage: counts, is_error: false } : {}),
    sent_ns: String(process.hrtime.bigint()),
    filler: '',
  }
  const bare = `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`
  return bare.replace('"filler":""', () => `"filler":"${'x'.repeat(Math.max(0, eventBytes - bare.length))}"`)
}

const deltaText = 'event: event_delta\ndata: {"type":"event_delta" }\n\n'

/** One event of a burst, and of the paced single writes: a piece of text on its way. */
export const deltaBytes = deltaText.length

/** One delta, one write. */
export const delta = chunk(deltaText)

/** As many deltas as 16 KB hold, in one write: what a proxy finds when it reads late. */
export const deltaBlock = chunk(deltaText.repeat(Math.floor(16_384 / deltaBytes)))
