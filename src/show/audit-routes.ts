// The audit log, for `tollgate audit …`: bundles, proofs, the newest entries and the public keys, read with `audit.read`.
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { BundleLine, BundleRange } from '../audit/bundle.ts'
import { TollgateError } from '../kernel/errors.ts'

type NewestEntry = {
  readonly gateway: string
  readonly seq: number
  readonly kind: string
  readonly record_id: string
  readonly occurred_at_ms: number
  readonly leaf_hash: string
  readonly entry: string
}

export type AuditRoutesDeps = {
  readonly audit: {
    readonly bundle: (range: BundleRange) => AsyncIterable<BundleLine>
    /** null: there is no such entry. */
    readonly prove: (id: string) => Promise<string | null>
    readonly newest: (limit: number) => Promise<readonly NewestEntry[]>
    readonly keys: () => readonly string[]
  }
}

/** Keeps what a failing ledger says out of the answer. */
type FromLedger = <T>(load: () => Promise<T>) => Promise<T>

const time = z.coerce.number().int().min(0).max(7_258_118_400_000).optional()
const range = z.strictObject({
  from_ms: time,
  to_ms: time,
  gateway: z.string().max(80).optional(),
  tail: z.enum(['true', 'false']).default('false'),
})
const named = z.strictObject({ id: z.string().min(1).max(1_024) })
const limited = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(20) })

const config = { action: 'audit.read' }
/** Lines that are handed over at once. */
const linesAtOnce = 200

/** Adds `bundle`, `proof`, `entries` and `keys` under `/api/v1/audit/`. */
export function registerAuditRoutes(
  app: FastifyInstance,
  { audit }: AuditRoutesDeps,
  fromLedger: FromLedger,
): void {
  app.get('/api/v1/audit/bundle', { config }, async (request, reply) => {
    const { from_ms: fromMs, to_ms: toMs, gateway, tail } = read(range, request.query)
    const lines = audit.bundle({
      withTail: tail === 'true',
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      ...(gateway === undefined ? {} : { gateway }),
    })
    const iterator = lines[Symbol.asyncIterator]()
    // A ledger that is away says so before the first byte; later the stream ends without an end, which is noticed.
    const first = await fromLedger(() => iterator.next())
    return reply
      .type('application/x-ndjson; charset=utf-8')
      .send(Readable.from(inParts(first, iterator), { objectMode: false }))
  })

  app.get('/api/v1/audit/proof', { config }, async (request, reply) => {
    const { id } = read(named, request.query)
    const proof = await fromLedger(() => audit.prove(id))
    if (proof === null) throw new TollgateError('show.not_found', `no audit entry has the id \`${id}\``)
    return reply.type('text/plain; charset=utf-8').send(proof)
  })

  app.get('/api/v1/audit/entries', { config }, async (request) => {
    const { limit } = read(limited, request.query)
    return { entries: await fromLedger(() => audit.newest(limit)) }
  })

  app.get('/api/v1/audit/keys', { config }, async () => ({ keys: audit.keys() }))
}

async function* inParts(
  first: IteratorResult<BundleLine>,
  rest: AsyncIterator<BundleLine>,
): AsyncGenerator<string> {
  let lines: string[] = []
  for (let step = first; step.done !== true; step = await rest.next()) {
    lines.push(`${JSON.stringify(step.value)}\n`)
    if (lines.length < linesAtOnce) continue
    yield lines.join('')
    lines = []
  }
  if (lines.length > 0) yield lines.join('')
}

function read<Query>(schema: z.ZodType<Query>, query: unknown): Query {
  const result = schema.safeParse(query)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const where = issue?.path.join('.') || 'the query'
  throw new TollgateError(
    'show.query_invalid',
    `\`${where}\` cannot be used: ${issue?.message.toLowerCase()}`,
  )
}
