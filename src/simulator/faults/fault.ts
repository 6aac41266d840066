// What can go wrong on demand: one flat object of optional fields, the same in a header, an admin call and a file.

import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'

const count = z.number().int().positive()
const byteCount = z.number().int().nonnegative()
const durationMs = z.number().int().nonnegative()
const moment = z.enum(['before', 'after'])
const headerMap = z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), z.string())

const fields = {
  /** Answers this status instead of the route's own. */
  status: z.number().int().min(400).max(599).optional(),
  /** Whether a `status` comes before the request took effect (the default) or after it. */
  when: moment.optional(),
  /** `retry-after` of a `status`: seconds, or the text of a date. Absent: no such header. */
  retry_after: z.union([z.number().nonnegative(), z.string()]).optional(),
  retry_after_ms: durationMs.optional(),
  /** `x-should-retry` of a `status`. */
  should_retry: z.boolean().optional(),
  error_type: z.string().optional(),
  error_code: z.string().optional(),
  error_message: z.string().optional(),
  /** What a `status` carries: the envelope (default), a proxy's HTML page, nothing, or half an envelope. */
  error_body: z.enum(['envelope', 'html', 'empty', 'broken']).optional(),
  /** Closes the connection without an answer, before or after the request took effect. */
  drop: moment.optional(),
  /** Closes by RST instead of FIN, wherever this fault closes. What was in flight may be lost. */
  reset: z.boolean().optional(),

  /** Interim answers ahead of the real one. */
  informational: z.array(z.union([z.literal(100), z.literal(102), z.literal(103)])).optional(),
  /** Waits this long before the head of the answer. */
  head_delay_ms: durationMs.optional(),
  /** More headers on the answer. */
  headers: headerMap.optional(),
  /** `connection: close`, and the end of the connection after the answer. */
  close: z.boolean().optional(),
  /** Says so many bytes more, or fewer, than the body has, then closes. For answers of known length. */
  content_length_off: z
    .number()
    .int()
    .refine((off) => off !== 0, 'must not be 0')
    .optional(),
  trailers: headerMap.optional(),

  gzip: z.boolean().optional(),
  bytes_per_second: count.optional(),
  /** Writes the body in pieces of so many bytes, each in a segment of its own. */
  write_bytes: count.optional(),
  /** Closes after so many bytes of the body as it goes over the wire (compressed, but without chunk marks). */
  cut_after_bytes: byteCount.optional(),
  /** Falls silent for good after so many bytes, with the connection open. */
  stall_after_bytes: byteCount.optional(),

  /** The event types that the `event_` fields touch. Default all but the heartbeat. */
  events: z.array(z.string()).optional(),
  /** Sends each event so many times. */
  event_copies: count.max(100).optional(),
  event_delay_ms: durationMs.optional(),
  /** Adds a field of so many characters to each event. */
  event_padding_bytes: count.max(64 * 1024 * 1024).optional(),
  /** Sends an event of a type that nobody knows ahead of each event. */
  event_unknown: z.boolean().optional(),
  /** How heartbeats look. */
  heartbeat: z.enum(['comment', 'ping']).optional(),
  line_end: z.enum(['lf', 'crlf', 'cr']).optional(),
  /** Adds fields that nobody knows to JSON answers, to each item of a list, and to events. */
  unknown_fields: z.boolean().optional(),
} as const

const faultSchema = z.strictObject(fields)

/** One fault; fields combine. */
export type Fault = z.infer<typeof faultSchema>

const bookingSchema = z.strictObject({
  /** `GET`, `POST`, …; absent for all. */
  method: z.string().toUpperCase().optional(),
  /** Path without its query; `*` stands for one segment, a final `**` for all that follow. Absent for all. */
  path: z.string().startsWith('/').optional(),
  /** Lets so many matching requests pass first. */
  skip: z.number().int().nonnegative().default(0),
  /** How many requests it meets; null for all. */
  times: count.nullable().default(1),
  ...fields,
})

/** A fault with the requests it waits for, as it is asked for. */
export type FaultInput = z.input<typeof bookingSchema>
export type FaultBooking = z.output<typeof bookingSchema>

const lists: Readonly<Record<string, (text: string) => unknown>> = {
  events: (text) => text.split(',').map((each) => each.trim()),
  informational: (text) => text.split(',').map(Number),
}

/**
 * The fault of an `x-simulator-fault` header: a JSON object, or short, `status=529; retry_after=2; when=after`, where a
 * bare name is true. Throws a 400 that names the field at fault.
 */
export function parseFaultHeader(text: string): Fault {
  return check(faultSchema, text.trimStart().startsWith('{') ? readJson(text) : readShort(text))
}

/** The faults of an admin call or a file: one object or an array. Throws a 400 that names the field at fault. */
export function parseBookings(input: unknown): readonly FaultBooking[] {
  return Array.isArray(input) ? check(z.array(bookingSchema), input) : [check(bookingSchema, input)]
}

function check<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalidRequest(`fault: ${[...(issue?.path ?? []), ''].join('.')} ${issue?.message ?? 'invalid'}`)
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidRequest('x-simulator-fault: not valid JSON')
  }
}

function readShort(text: string): unknown {
  const parts = text.split(';').map((part) => part.trim())
  return Object.fromEntries(
    parts
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=')
        const name = (at === -1 ? part : part.slice(0, at)).trim()
        return [name, at === -1 ? true : readValue(name, part.slice(at + 1).trim())]
      }),
  )
}

function readValue(name: string, text: string): unknown {
  const list = lists[name]
  if (list !== undefined) return list(text)
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  return text === 'true' || text === 'false' ? text === 'true' : text
}
