// An OpenTelemetry collector over real HTTP that keeps what it is sent.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { z } from 'zod'
import { portOf } from './raw-upstream.ts'

export const attributeShape = z.object({
  key: z.string(),
  value: z.looseObject({ stringValue: z.string().optional(), intValue: z.coerce.number().optional() }),
})
export const spanShape = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  traceState: z.string().optional(),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: z.array(attributeShape),
  status: z.looseObject({ code: z.int().optional() }),
})
export const exportShape = z.object({
  resourceSpans: z.array(
    z.looseObject({
      resource: z.looseObject({ attributes: z.array(attributeShape) }),
      scopeSpans: z.array(z.looseObject({ spans: z.array(spanShape) })),
    }),
  ),
})

export type Delivery = {
  readonly url: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
}

export type Collector = {
  readonly url: string
  readonly deliveries: Delivery[]
  /** The spans of every JSON delivery so far. */
  readonly spans: () => readonly z.output<typeof spanShape>[]
  readonly close: () => void
}

/** Answers everything with the given status. */
export async function startCollector(status = 200): Promise<Collector> {
  const deliveries: Delivery[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    deliveries.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    deliveries,
    spans: () =>
      deliveries.flatMap(({ body }) =>
        exportShape
          .parse(JSON.parse(body.toString('utf8')))
          .resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)),
      ),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
