// How much a session ran: edges say when, the upstream's own count (`active_seconds`) says how much.
//
// Every `session.usage` event is a checkpoint: what ran up to it is exactly what it states, so runs seen before it are
// cut or added to until they agree. An idle edge that was missed then bills no pause, and a run that was missed is
// not lost. Session objects state the count too, but at a time by our clock: they can only add what is missing.
import { type Span, subtract, union } from './segments.ts'

export type Runs = {
  /** Seen from start to end. */
  readonly known: readonly Span[]
  /** Began, and the end was not seen; the span is what it can have lasted at most. */
  readonly unknown: readonly Span[]
}

/** `activeMs` of running time up to `atMs`. */
export type Statement = { readonly activeMs: number; readonly atMs: number }

type Stated = {
  /** By events, in time order. */
  readonly checkpoints: readonly Statement[]
  /** The largest by anything. */
  readonly latest: Statement
  /** When the session was last seen not running; null when it never was. */
  readonly atRestMs: number | null
}

/** Makes the runs agree with what was stated. `room` is where the session may have run without our seeing it. */
export function settleRuns(runs: Runs, stated: Stated, room: readonly Span[]): Runs {
  return addLatest(agreeAtCheckpoints(runs, stated.checkpoints, room), stated, room)
}

function agreeAtCheckpoints(runs: Runs, checkpoints: readonly Statement[], room: readonly Span[]): Runs {
  const known: Span[] = []
  let from = Number.NEGATIVE_INFINITY
  let countedMs = 0
  for (const { activeMs, atMs } of checkpoints) {
    // A count that does not grow says nothing: it may be absent, and absent reads as zero.
    if (activeMs <= countedMs || atMs <= from) continue
    const within = (spans: readonly Span[]) => clip(spans, from, atMs)
    known.push(...fill(activeMs - countedMs, within(runs.known), within(runs.unknown), within(room)))
    countedMs = activeMs
    from = atMs
  }
  const rest = (spans: readonly Span[]) => clip(spans, from, Number.POSITIVE_INFINITY)
  return { known: union([...known, ...rest(runs.known)]), unknown: rest(runs.unknown) }
}

/**
 * Adds what the largest statement has more than all known runs together, which is never too much, whatever our clock
 * says. A run that began before the statement, or before the session was seen not running, is settled by it.
 */
function addLatest(runs: Runs, { latest, atRestMs }: Stated, room: readonly Span[]): Runs {
  const restMs = atRestMs ?? Number.NEGATIVE_INFINITY
  const untilMs = Math.max(latest.atMs, restMs)
  const until = (spans: readonly Span[]) => clip(spans, Number.NEGATIVE_INFINITY, untilMs)
  const totalMs = Math.max(latest.activeMs, lengthOf(runs.known))
  const known = fill(totalMs, runs.known, until(runs.unknown), until(room))
  // A run known to begin later may be in the statement or not: then nothing is settled.
  const isLatest = runs.known.every((span) => span.from < untilMs)
  const over = runs.unknown.filter((span) => span.from < restMs)
  const settled = isLatest ? [...until(runs.unknown), ...over] : known
  return { known: union(known), unknown: subtract(runs.unknown, settled) }
}

/**
 * Spans of `ms` together: of the known runs, then of those without an end, then of the room that is left; earliest
 * first, so that what was placed once stays where it is when more is stated later.
 */
function fill(ms: number, known: readonly Span[], unknown: readonly Span[], room: readonly Span[]) {
  const kept = take(known, ms)
  const inRuns = take(unknown, ms - lengthOf(kept))
  const elsewhere = take(subtract(room, [...known, ...unknown]), ms - lengthOf([...kept, ...inRuns]))
  return [...kept, ...inRuns, ...elsewhere]
}

/** The first `ms` of the spans. */
function take(spans: readonly Span[], ms: number): readonly Span[] {
  const taken: Span[] = []
  let left = ms
  for (const span of spans) {
    if (left <= 0) break
    taken.push({ from: span.from, to: Math.min(span.to, span.from + left) })
    left -= span.to - span.from
  }
  return taken
}

function clip(spans: readonly Span[], from: number, to: number): readonly Span[] {
  return spans
    .map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to) }))
    .filter((span) => span.to > span.from)
}

function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + span.to - span.from, 0)
}
