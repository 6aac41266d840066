// What tracing needs and what it offers, whether or not spans leave the process.
import type { Logger } from '../kernel/logger.ts'
import type { Environment } from './otlp-settings.ts'
import type { RequestArrival, RequestSpan } from './request-span.ts'

export type TracingDeps = {
  /** The OTEL_* variables. The exporter itself reads timeouts, compression and certificates from the process. */
  readonly env: Environment
  /** Becomes `service.version`. */
  readonly serviceVersion?: string
  readonly logger: Logger
  /** Told after each batch; the caller counts. */
  readonly onExported?: (result: 'exported' | 'failed', spans: number) => void
}

export type Tracing = {
  /** True when spans leave the process. */
  readonly exporting: boolean
  /**
   * Opens a request's span. A valid `traceparent` is adopted as its parent; the client's sampled flag is not
   * obeyed (a caller must not switch our tracing off), `tracestate` and `baggage` are not read: they are the
   * client's notes to other vendors, may hold personal data, and would reach the upstream. Never throws.
   */
  readonly startRequestSpan: (arrival: RequestArrival) => RequestSpan
  /** Exports what is left, within 2 s. Never rejects. */
  readonly shutdown: () => Promise<void>
}
