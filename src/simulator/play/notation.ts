// The short notation of scenario files: what people call one thing (a model request, a child at work, a crash) is one
// item there, and several steps here. The word that an item begins with decides how the rest of it is read.

import { z } from 'zod'
import { duration } from './duration.ts'
import { common, itemOf, modelUsage, type ReadItem, type StepInput, textContent, tokens } from './item.ts'
import { readRequest } from './request-item.ts'
import { runWords } from './run-items.ts'

const endTurn = { stop_reason: { type: 'end_turn' } }
/** A message from one thread to another: sent on the one, received on the other. */
const message = (from: string, to: string, text: string): readonly [StepInput, StepInput] => [
  { type: 'agent.thread_message_sent', thread: from, peer: to, fields: textContent(text) },
  { type: 'agent.thread_message_received', thread: to, peer: from, fields: textContent(text) },
]

/** `spawns`: a child thread starts, with a message from the primary one or, in a workflow run, with a prompt. */
const spawns = itemOf(
  z.strictObject({ ...common, spawns: z.string(), with: z.string(), run: z.boolean().default(false) }),
  ({ spawns: child, with: text, run }) => {
    const [sent, received] = message('primary', child, text)
    return [
      { type: 'session.thread_created', thread: child },
      { type: 'session.thread_status_running', thread: child },
      // The prompt of a run's thread is on its own stream only.
      ...(run ? [received] : [sent, received]),
    ]
  },
)

/** `tells`: a child that was at rest gets more to do. */
const tells = itemOf(
  z.strictObject({ ...common, tells: z.string(), with: z.string() }),
  ({ tells: child, with: text }) => message('primary', child, text),
)

/** `reports`: a child tells the primary thread what it found, and rests. */
const reports = itemOf(
  z.strictObject({ ...common, reports: z.string(), with: z.string() }),
  ({ reports: child, with: text }) => {
    const [sent, received] = message(child, 'primary', text)
    return [sent, { type: 'session.thread_status_idle', thread: child, fields: endTurn }, received]
  },
)

/** `rests`: a thread's turn is over while the session goes on. */
const rests = itemOf(z.strictObject({ ...common, rests: z.string() }), ({ rests: thread }) => [
  { type: 'session.thread_status_idle', thread, fields: endTurn },
])

/** `consults`: the advisor answers; its advice comes after it rests, and clients may not read it. */
const consults = itemOf(
  z.strictObject({ ...common, consults: z.string(), tokens, takes: duration.default(20) }),
  ({ consults: advisor, tokens: given, takes }) => [
    { type: 'session.thread_created', thread: advisor },
    { type: 'session.thread_status_running', thread: advisor },
    { type: 'span.model_request_start', thread: advisor },
    {
      type: 'span.model_request_end',
      thread: advisor,
      delayMs: takes,
      fields: { model_usage: modelUsage(given) },
    },
    { type: 'session.thread_status_idle', thread: advisor, fields: endTurn },
    {
      type: 'agent.thread_message_received',
      peer: advisor,
      fields: { content: [{ type: 'redacted' }] },
    },
  ],
)

/** `fails`: an error, after which the server tries again, the turn is dead, or the session is. */
const fails = itemOf(
  z.strictObject({
    ...common,
    fails: z.string(),
    retry: z.enum(['retrying', 'exhausted', 'terminal']).default('retrying'),
    with: z.record(z.string(), z.unknown()).default({}),
  }),
  ({ fails: type, retry, with: more }) => [
    { type: 'session.error', fields: { error: { type, ...more, retry_status: { type: retry } } } },
  ],
)

/** `crashes`: the session is put off for so long, then goes on. */
const crashes = itemOf(z.strictObject({ ...common, crashes: duration }), ({ crashes: delayMs }) => [
  { type: 'session.status_rescheduled' },
  { type: 'session.status_running', delayMs },
])

/** `stops`: the turn ends for a reason of its own. */
const stops = itemOf(
  z.strictObject({
    ...common,
    stops: z.enum(['refusal', 'end_turn', 'retries_exhausted', 'requires_action']),
    category: z.string().nullable().default(null),
    because: z.string().nullable().default(null),
  }),
  ({ stops: type, category, because: explanation }) => [
    {
      type: 'session.status_idle',
      fields: {
        stop_reason: { type },
        stop_details: type === 'refusal' ? { type, category, explanation } : null,
      },
    },
  ],
)

/** `grades`: the graders of the open outcome come to a verdict. Nothing when no outcome was defined. */
const grades = itemOf(
  z.strictObject({
    ...common,
    grades: z.enum(['satisfied', 'needs_revision', 'failed']),
    because: z.string(),
    tokens: tokens.prefault({}),
    takes: duration.default(20),
  }),
  ({ grades: verdict, because: explanation, tokens: given, takes }) => [
    { type: 'span.outcome_evaluation_start' },
    { type: 'span.outcome_evaluation_ongoing', delayMs: Math.floor(takes / 2) },
    {
      type: 'span.outcome_evaluation_end',
      delayMs: takes - Math.floor(takes / 2),
      fields: { result: verdict, explanation, usage: modelUsage(given) },
    },
  ],
)

/** `compacts`: a thread's context was summarised. */
const compacts = itemOf(z.strictObject({ ...common, compacts: z.literal(true) }), () => [
  { type: 'agent.thread_context_compacted' },
])

/** `event`: any event as it stands, for what has no word here. */
const event = itemOf(
  z.strictObject({ ...common, event: z.string(), fields: z.record(z.string(), z.unknown()).default({}) }),
  ({ event: type, fields }) => [{ type, fields }],
)

/** The words that items begin with. The first that an item has is the one it is read by. */
export const words: ReadonlyMap<string, ReadItem> = new Map([
  ['spawns', spawns],
  ['tells', tells],
  ['reports', reports],
  ['rests', rests],
  ['consults', consults],
  ...runWords,
  ['fails', fails],
  ['crashes', crashes],
  ['stops', stops],
  ['grades', grades],
  ['compacts', compacts],
  ['event', event],
  ['says', readRequest],
  ['uses', readRequest],
  ['thinks', readRequest],
])
