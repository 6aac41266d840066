// The OpenTelemetry SDK with every part stated: what is left unset it starts by itself, network calls included.
// Loaded only when an endpoint is configured; importing it costs about 200 ms.
import {
  context,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { ExportResultCode, parseTraceParent, W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { AlwaysOnSampler, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from '../kernel/logger.ts'
import type { OtlpSettings } from './otlp-settings.ts'
import type { RequestSpan } from './request-span.ts'
import { arrivalAttributes, isFailure, settledAttributes, spanName } from './span-attributes.ts'
import type { Tracing, TracingDeps } from './tracing-type.ts'

const shutdownTimeoutMs = 2_000
// 32 full batches fit the queue, and all of them may be sent at once at shutdown: the exporter's own limit of
// 30 requests would drop the rest.
const queue = { maxQueueSize: 8_192, maxExportBatchSize: 256, scheduledDelayMillis: 2_000 }
const concurrencyLimit = 64

/** Registers the SDK and its OTLP exporter; spans are sent in batches off the request's path. */
export function createExportingTracing(settings: OtlpSettings, deps: TracingDeps): Tracing {
  const sdk = new NodeSDK({
    // The process detector would export the command line, the host detector is the deployment's business.
    autoDetectResources: false,
    resource: defaultResource().merge(resourceFromAttributes(settings.resourceAttributes)),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [
      new BatchSpanProcessor(countResults(createExporter(settings), deps.onExported ?? (() => {})), queue),
    ],
    spanLimits: { attributeValueLengthLimit: 1_024, attributeCountLimit: 64 },
    textMapPropagator: new W3CTraceContextPropagator(),
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  diag.setLogger(toDiagLogger(deps.logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const tracer = trace.getTracer('tollgate', deps.serviceVersion)

  return {
    exporting: true,
    startRequestSpan: (arrival) => {
      const parent = arrival.traceparent === undefined ? null : parseTraceParent(arrival.traceparent)
      const span = tracer.startSpan(
        spanName(arrival),
        { kind: SpanKind.SERVER, startTime: arrival.startedAtMs, attributes: arrivalAttributes(arrival) },
        parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }),
      )
      const { traceId, spanId } = span.spanContext()
      const end: RequestSpan['end'] = (facts) => {
        if (!span.isRecording()) return
        span.setAttributes(settledAttributes(facts))
        if (isFailure(facts)) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end(arrival.startedAtMs + facts.duration_ms)
      }
      return { traceId, traceparent: `00-${traceId}-${spanId}-01`, end }
    },
    shutdown: async () => {
      try {
        await withTimeout(sdk.shutdown(), shutdownTimeoutMs)
      } catch (error) {
        deps.logger.warn({ err: error }, 'the last spans were not exported')
      }
      // The registry is global and refuses a second registration.
      for (const api of [trace, propagation, context, diag]) api.disable()
    },
  }
}

function createExporter({ url, headers, protocol }: OtlpSettings): SpanExporter {
  const options = { url, headers: { ...headers }, concurrencyLimit }
  return protocol === 'http/json' ? new JsonExporter(options) : new ProtobufExporter(options)
}

/** The SDK drops a failed batch without a word, so every result is counted. */
function countResults(exporter: SpanExporter, onExported: Required<TracingDeps>['onExported']): SpanExporter {
  return {
    export: (spans, callback) =>
      exporter.export(spans, (result) => {
        onExported(result.code === ExportResultCode.SUCCESS ? 'exported' : 'failed', spans.length)
        callback(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  }
}

/** The SDK's own words go to the log, but for what it quotes of a header it dislikes: that may be a key. */
function toDiagLogger(logger: Logger) {
  const write = (message: string): void =>
    logger.warn(
      { otel: message.replace(/ has invalid value \(.*\)/s, ' has an invalid value').slice(0, 500) },
      'opentelemetry',
    )
  return { error: write, warn: write, info: () => {}, debug: () => {}, verbose: () => {} }
}

async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
