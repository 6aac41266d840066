// What the writer reads back of the sessions in a batch, so that it needs no memory of its own.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Ledger } from '../port.ts'
import type { SessionStatusRow, UsageEventFact } from '../rows.ts'
import type { StatedTimeRow } from '../session-rows.ts'
import { readSessionTallies, type SessionTally } from './session-tallies.ts'

const load = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const unpricedFactsSql = load('./unpriced-facts.sql')
const sessionModelsSql = load('./session-models.sql')
const sessionEdgesSql = load('./session-edges.sql')
const statedTimesSql = load('./stated-times.sql')

/** Session ids per statement: keeps the parameter small and the statement fast. */
const sessionsMax = 500

// Both forms in which ClickHouse answers integers; all of these were written by us as safe integers.
const integer = z.union([z.string(), z.number()]).transform(Number).refine(Number.isSafeInteger)

const unpricedFact = z.object({
  session_id: z.string(),
  event_id: z.string(),
  kind: z.enum(['model_request', 'outcome_grading']),
  thread_id: z.string(),
  occurred_at: z.string(),
  event_speed: z.string(),
  event_model: z.string(),
  event_geo: z.string(),
  service_tier: z.string(),
  web_search_requests: integer,
  is_error: z.union([z.literal(0), z.literal(1)]),
  input_tokens: integer,
  output_tokens: integer,
  cache_read_tokens: integer,
  cache_write_5m_tokens: integer,
  cache_write_1h_tokens: integer,
  ver: integer,
})

const model = z.object({
  session_id: z.string(),
  thread_id: z.string(),
  model: z.string(),
  speed: z.string(),
  inference_geo: z.string(),
})

const edge = z.object({
  session_id: z.string(),
  event_id: z.string(),
  scope: z.enum(['session', 'thread', 'observed']),
  thread_id: z.string(),
  status: z.enum(['running', 'idle', 'rescheduling', 'terminated', 'primary', 'child']),
  occurred_at: z.string(),
  reason: z.string(),
  ver: integer,
})

const statedTime = z.object({
  session_id: z.string(),
  stated_ms: integer,
  stated_at: z.string(),
  checkpoints: z.array(z.tuple([z.string(), integer])),
  snapshots: integer,
})

export type KnownModel = Readonly<z.output<typeof model>>
/** Finds the models of a session (`thread_id` '') or thread; undefined while unseen. */
export type FindModel = (sessionId: string, threadId: string) => KnownModel | undefined

/** Facts of these sessions that have no price, with the `ver` their row has now. */
export async function readUnpricedFacts(
  ledger: Ledger,
  sessionIds: readonly string[],
): Promise<readonly { readonly fact: UsageEventFact; readonly ver: number }[]> {
  const rows = await readInParts(ledger, unpricedFactsSql, sessionIds, unpricedFact)
  return rows.map(({ ver, ...fact }) => ({ fact, ver }))
}

/** What the ledger knows now of the models of these sessions and their threads. */
export async function readModels(ledger: Ledger, sessionIds: readonly string[]): Promise<FindModel> {
  const rows = await readInParts(ledger, sessionModelsSql, sessionIds, model)
  const byKey = new Map(rows.map((row) => [JSON.stringify([row.session_id, row.thread_id]), row]))
  return (sessionId, threadId) => byKey.get(JSON.stringify([sessionId, threadId]))
}

/** All edges the ledger has of these sessions, by session. */
export async function readEdges(
  ledger: Ledger,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, readonly SessionStatusRow[]>> {
  const bySession = new Map<string, SessionStatusRow[]>()
  for (const row of await readInParts(ledger, sessionEdgesSql, sessionIds, edge)) {
    const edges = bySession.get(row.session_id)
    if (edges === undefined) bySession.set(row.session_id, [row])
    else edges.push(row)
  }
  return bySession
}

/** What the upstream has stated of these sessions' running time, by session. */
export async function readStatedTimes(
  ledger: Ledger,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, StatedTimeRow>> {
  const rows = await readInParts(ledger, statedTimesSql, sessionIds, statedTime)
  return new Map(
    rows.map(({ session_id, stated_ms, stated_at, checkpoints, snapshots }) => [
      session_id,
      {
        session_id,
        active_ms: stated_ms,
        observed_at: stated_at,
        checkpoints: checkpoints.map(([observed_at, active_ms]) => ({ observed_at, active_ms })),
        snapshots,
      },
    ]),
  )
}

/** What these sessions add up to beside what was stated of them; only of those of which anything was. */
export async function readTallies(
  ledger: Ledger,
  sessionIds: readonly string[],
): Promise<readonly SessionTally[]> {
  const found: SessionTally[] = []
  for (let start = 0; start < sessionIds.length; start += sessionsMax) {
    found.push(...(await readSessionTallies(ledger, sessionIds.slice(start, start + sessionsMax))))
  }
  return found
}

async function readInParts<Row>(
  ledger: Ledger,
  sql: string,
  sessionIds: readonly string[],
  row: z.ZodType<Row>,
): Promise<readonly Row[]> {
  const found: Row[] = []
  for (let start = 0; start < sessionIds.length; start += sessionsMax) {
    const part = sessionIds.slice(start, start + sessionsMax)
    const rows = z.array(row).parse(await ledger.query(sql, { session_ids: part }))
    for (const each of rows) found.push(each)
  }
  return found
}
