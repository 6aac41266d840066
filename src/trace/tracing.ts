// Tracing: one SERVER span per request when an OTLP endpoint is configured, and a valid trace id either way.
// The SDK is loaded only to export; without it a request costs two random ids.
import { parseTraceParent } from '@opentelemetry/core'
import { readOtlpSettings } from './otlp-settings.ts'
import { createTraceIds } from './trace-ids.ts'
import type { Tracing, TracingDeps } from './tracing-type.ts'

/** Starts tracing. One exporting Tracing per process at a time: OpenTelemetry's registry is global. */
export async function createTracing(deps: TracingDeps): Promise<Tracing> {
  const { settings, problem } = readOtlpSettings(deps.env, deps.serviceVersion ?? '')
  if (problem !== '') deps.logger.error({ reason: problem }, 'spans are not exported')
  if (settings === null) return createIdTracing()
  const { createExportingTracing } = await import('./exporting-tracing.ts')
  return createExportingTracing(settings, deps)
}

/**
 * Nothing is exported, so we take no part in the client's trace: its span stays the parent of the upstream's,
 * as W3C Trace Context asks of one that passes a trace through. Without one, the ids are ours and unsampled.
 */
function createIdTracing(): Tracing {
  const ids = createTraceIds()
  return {
    exporting: false,
    startRequestSpan: ({ traceparent }) => {
      const parent = traceparent === undefined ? null : parseTraceParent(traceparent)
      const traceId = parent?.traceId ?? ids.newTraceId()
      const spanId = parent?.spanId ?? ids.newSpanId()
      const flags = (parent?.traceFlags ?? 0) % 2 === 1 ? '01' : '00'
      return { traceId, traceparent: `00-${traceId}-${spanId}-${flags}`, end: () => {} }
    },
    shutdown: async () => {},
  }
}
