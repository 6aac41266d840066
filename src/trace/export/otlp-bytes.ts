// Items -> the bytes of one OTLP request, protobuf or JSON, by OpenTelemetry's own serialisers: the same items, the same bytes.
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { LogItem, SpanItem } from './items.ts'

type ReadableLog = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number]

export type Protocol = 'http/protobuf' | 'http/json'
export type Serialize = {
  readonly spans: (items: readonly SpanItem[]) => Buffer
  readonly logs: (items: readonly LogItem[]) => Buffer
}

const severities = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 } as const

/** Makes the serialisers for one protocol, with these attributes of the resource. */
export function createSerialize(
  protocol: Protocol,
  resourceAttributes: Readonly<Record<string, string>>,
  version: string,
): Serialize {
  const resource = defaultResource().merge(resourceFromAttributes(resourceAttributes))
  const instrumentationScope = { name: 'tollgate.sessions', version }
  const isJson = protocol === 'http/json'
  const traces = isJson ? JsonTraceSerializer : ProtobufTraceSerializer
  const logs = isJson ? JsonLogsSerializer : ProtobufLogsSerializer
  const context = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED })

  const toSpan = (item: SpanItem): ReadableSpan => ({
    name: item.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context(item.traceId, item.spanId),
    ...(item.parentSpanId === '' ? {} : { parentSpanContext: context(item.traceId, item.parentSpanId) }),
    startTime: toHrTime(item.startMicros),
    endTime: toHrTime(item.endMicros),
    status: { code: item.error === '' ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: item.attributes,
    links: [],
    events: [],
    duration: toHrTime(item.endMicros - item.startMicros),
    ended: true,
    resource,
    instrumentationScope,
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  })
  const toLog = (item: LogItem): ReadableLog => ({
    hrTime: toHrTime(item.atMicros),
    hrTimeObserved: toHrTime(item.atMicros),
    ...(item.traceId === '' ? {} : { spanContext: context(item.traceId, item.spanId) }),
    severityText: item.severity,
    severityNumber: severities[item.severity],
    eventName: 'tollgate.session.event',
    resource,
    instrumentationScope,
    attributes: item.attributes,
    droppedAttributesCount: 0,
  })
  return {
    spans: (items) => toBuffer(traces.serializeRequest(items.map(toSpan))),
    logs: (items) => toBuffer(logs.serializeRequest(items.map(toLog))),
  }
}

const toHrTime = (micros: number): [number, number] => [
  Math.floor(micros / 1_000_000),
  (micros % 1_000_000) * 1_000,
]

function toBuffer(bytes: Uint8Array | undefined): Buffer {
  if (bytes === undefined) throw new Error('OpenTelemetry could not serialise what is to be exported')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
