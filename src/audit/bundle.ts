// A part of an audit log as lines of JSON, to be verified anywhere: a header for each gateway, then checkpoints and entries
// in order, then an end. It begins and ends with a checkpoint, so that every entry in it is under a signature.
import { z } from 'zod'

const count = z.int().nonnegative()

const header = z.strictObject({
  kind: z.literal('log'),
  version: z.literal(1),
  gateway: z.string(),
  /** Public keys that the log says are its own; whoever verifies compares them with those learnt elsewhere. */
  keys: z.array(z.string()).readonly(),
})

const checkpoint = z.strictObject({
  kind: z.literal('checkpoint'),
  number: count,
  size: count,
  time_ms: count,
  note: z.string(),
  frontier: z.array(z.string()).readonly(),
  last_leaf: z.string(),
})

const entry = z.strictObject({
  kind: z.literal('entry'),
  seq: count,
  record_kind: z.string(),
  record_id: z.string(),
  occurred_at_ms: count,
  leaf_hash: z.string(),
  entry: z.string(),
})

const end = z.strictObject({ kind: z.literal('end') })

const line = z.discriminatedUnion('kind', [header, checkpoint, entry, end])

export type BundleCheckpoint = z.output<typeof checkpoint>
export type BundleEntry = z.output<typeof entry>
export type BundleHeader = z.output<typeof header>
export type BundleLine = z.output<typeof line>

/** Reads one line; null when it is none. */
export function readBundleLine(text: string): BundleLine | null {
  try {
    const parsed = line.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

type LedgerCheckpoint = Omit<BundleCheckpoint, 'kind'>
type LedgerEntry = Omit<BundleEntry, 'kind' | 'record_kind'> & { readonly kind: string }

/** What a bundle is made from; each reads one part, in order. */
export type BundleSource = {
  readonly gateways: () => Promise<readonly string[]>
  readonly checkpoints: (gateway: string, from: number, limit: number) => Promise<readonly LedgerCheckpoint[]>
  readonly entries: (
    gateway: string,
    from: number,
    to: number,
    limit: number,
  ) => Promise<readonly LedgerEntry[]>
  /** The last checkpoint not after the time. */
  readonly checkpointAt: (gateway: string, timeMs: number) => Promise<number>
  readonly keys: () => readonly string[]
}

export type BundleRange = {
  readonly fromMs?: number
  readonly toMs?: number
  readonly gateway?: string
  /** Also what is not under a checkpoint yet. */
  readonly withTail: boolean
}

const checkpointsAtOnce = 500
const entriesAtOnce = 2_000

/**
 * The lines of a range, widened to whole checkpoints: from the last one not after `fromMs` to the first one not before
 * `toMs`. Rejects with what the source throws.
 */
export async function* bundleLines(source: BundleSource, range: BundleRange): AsyncGenerator<BundleLine> {
  const gateways = (await source.gateways()).filter((name) => (range.gateway ?? name) === name)
  for (const gateway of gateways) {
    const keys = source.keys().filter((key) => key.startsWith(`tollgate/${gateway}+`))
    yield { kind: 'log', version: 1, gateway, keys }
    yield* logLines(source, gateway, range)
  }
  yield { kind: 'end' }
}

async function* logLines(
  source: BundleSource,
  gateway: string,
  range: BundleRange,
): AsyncGenerator<BundleLine> {
  const { fromMs, toMs = Number.POSITIVE_INFINITY } = range
  let number = fromMs === undefined ? 0 : await source.checkpointAt(gateway, fromMs)
  let seq = number === 0 ? 0 : Number.NaN
  for (;;) {
    const page = await source.checkpoints(gateway, number, checkpointsAtOnce)
    for (const row of page) {
      // The first one says where the part begins.
      if (Number.isNaN(seq)) seq = row.size
      yield* entryLines(source, gateway, seq, row.size)
      seq = Math.max(seq, row.size)
      yield { kind: 'checkpoint', ...row }
      if (row.time_ms >= toMs) return
      number = row.number + 1
    }
    if (page.length < checkpointsAtOnce) break
  }
  if (range.withTail) yield* entryLines(source, gateway, Number.isNaN(seq) ? 0 : seq, Number.MAX_SAFE_INTEGER)
}

async function* entryLines(
  source: BundleSource,
  gateway: string,
  from: number,
  to: number,
): AsyncGenerator<BundleLine> {
  for (let seq = from; seq < to; ) {
    const page = await source.entries(gateway, seq, to, entriesAtOnce)
    for (const { kind, ...row } of page) {
      yield { kind: 'entry', record_kind: kind, ...row }
      seq = row.seq + 1
    }
    if (page.length < entriesAtOnce) return
  }
}
