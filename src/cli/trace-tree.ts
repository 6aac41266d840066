// The trace of a session as a tree for a terminal: a line a span, what it took, used and cost, and how it ended.
import { z } from 'zod'
import { printable } from './printable.ts'

const usage = z.object({
  requests: z.number(),
  input_tokens: z.number(),
  cached_tokens: z.number(),
  output_tokens: z.number(),
  cost_usd: z.string(),
  unpriced_requests: z.number(),
})
const spanShape = {
  kind: z.string(),
  name: z.string(),
  duration_ms: z.number().nullable(),
  error: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  usage: usage.nullable(),
}
type Span = z.output<z.ZodObject<typeof spanShape>> & { readonly children: readonly Span[] }
const span: z.ZodType<Span> = z.lazy(() => z.object({ ...spanShape, children: z.array(span) }))

/** What the admin listener answers of a session. */
export const traceAnswer = z.object({
  session_id: z.string(),
  team: z.string(),
  caller: z.string(),
  agent_id: z.string(),
  agent_name: z.string(),
  agent_version: z.number(),
  model: z.string(),
  complete: z.boolean(),
  events: z.number(),
  turns: z.array(
    z.object({
      trace_id: z.string(),
      url: z.string().default(''),
      started_at: z.string(),
      duration_ms: z.number().nullable(),
      stop_reason: z.string(),
      usage,
      spans: z.array(span),
      refusals: z.array(
        z.object({ at: z.string(), operation: z.string(), caller: z.string(), code: z.string() }),
      ),
    }),
  ),
})
export type TraceAnswer = z.output<typeof traceAnswer>

/** Draws it; ends with a newline. */
export function renderTrace(trace: TraceAnswer): string {
  const agent = `${trace.agent_name || trace.agent_id || '(agent not seen)'}@${trace.agent_version}`
  const owner = trace.team === '' ? '(unattributed)' : `${trace.team}/${trace.caller}`
  const head = `${trace.session_id}  ${agent}  ${trace.model}  ${owner}  ${plural(trace.events, 'event')}`
  const turns = trace.turns.flatMap((turn, index) => [
    '',
    joined([
      `turn ${index + 1}`,
      turn.started_at.slice(0, 19).replace('T', ' '),
      lasting(turn.duration_ms),
      used(turn.usage),
      turn.stop_reason === '' ? 'goes on' : turn.stop_reason,
    ]),
    `  trace ${turn.url === '' ? turn.trace_id : printable(turn.url)}`,
    ...branches(turn.spans, ''),
    ...turn.refusals.map(
      ({ at, operation, caller, code }) => `  refused ${at.slice(11, 19)}  ${operation}  ${caller}  ${code}`,
    ),
  ])
  const rest = trace.complete ? [] : ['', 'the session has more events than are read; this is its beginning']
  const none = trace.turns.length === 0 ? ['', 'it has not run yet'] : []
  return `${[head, ...turns, ...none, ...rest].map(printable).join('\n')}\n`
}

function branches(spans: readonly Span[], indent: string): readonly string[] {
  return spans.flatMap((each, index) => {
    const isLast = index === spans.length - 1
    const line = `${indent}${isLast ? '└─ ' : '├─ '}${describe(each)}`
    return [line, ...branches(each.children, `${indent}${isLast ? '   ' : '│  '}`)]
  })
}

function describe({ kind, name, duration_ms, usage: of, facts, error }: Span): string {
  return joined([
    `${kind} ${name}`.trim(),
    lasting(duration_ms),
    of === null ? '' : used(of),
    ...['server', 'permission', 'confirmation', 'result', 'by', 'stop_reason', 'refusal'].map((key) =>
      facts[key] === undefined || facts[key] === ''
        ? ''
        : key === 'by'
          ? `by ${facts[key]}`
          : String(facts[key]),
    ),
    error === '' ? '' : `ERROR ${error}`,
  ])
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('  ')

function used({
  requests,
  input_tokens,
  cached_tokens,
  output_tokens,
  cost_usd,
  unpriced_requests,
}: z.output<typeof usage>): string {
  if (requests === 0) return ''
  const cached = cached_tokens === 0 ? '' : ` (${grouped(cached_tokens)} cache)`
  const price = unpriced_requests === 0 ? `$${cost_usd}` : `$${cost_usd} + ${unpriced_requests} unpriced`
  return `${grouped(input_tokens)} in${cached} / ${grouped(output_tokens)} out  ${price}`
}

function lasting(ms: number | null): string {
  if (ms === null) return '…'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const grouped = (count: number): string => count.toLocaleString('en-US')
const plural = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
