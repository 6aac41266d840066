// Tracing without an exporter: ids that are right, nothing sent, nothing heavy loaded.
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/logger.ts'
import { readOtlpSettings } from '../../src/trace/otlp-settings.ts'
import { createTracing } from '../../src/trace/tracing.ts'

const arrival = { method: 'GET', route: '/v1/agents', startedAtMs: 0 }
const valid = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/

test('without an endpoint the tracing SDK is not even loaded', async () => {
  const tracing = await createTracing({ env: {}, logger: silentLogger })
  expect(tracing.exporting).toBe(false)
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  expect(loaded.some((file) => file.includes('@opentelemetry/core'))).toBe(true)
  expect(loaded.filter((file) => /@opentelemetry\/(sdk-node|exporter-trace)/.test(file))).toEqual([])
})

test('every request gets a valid trace id of its own, whatever the client sent as traceparent', async () => {
  const { startRequestSpan } = await createTracing({ env: {}, logger: silentLogger })
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.option(fc.string({ unit: 'binary' }), { nil: undefined }), (traceparent) => {
      const span = startRequestSpan({ ...arrival, traceparent })
      expect(span.traceparent).toMatch(valid)
      expect(span.traceparent).toContain(span.traceId)
      expect(seen.has(span.traceId)).toBe(false)
      seen.add(span.traceId)
    }),
    { numRuns: 2000 },
  )
})

test("a client's trace passes through unbroken when we take no part in it", async () => {
  const { startRequestSpan } = await createTracing({ env: {}, logger: silentLogger })
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect(startRequestSpan({ ...arrival, traceparent })).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    traceparent,
  })
})

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

test.each([
  ['no endpoint', {}, false],
  ['an endpoint', endpoint, true],
  ['the SDK disabled', { ...endpoint, OTEL_SDK_DISABLED: 'true' }, false],
  ['no traces exporter', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }, false],
  ['the otlp exporter by name, but no endpoint', { OTEL_TRACES_EXPORTER: 'otlp' }, false],
])('%s: nothing to complain about', (_, env, exports) => {
  const { settings, problem } = readOtlpSettings(env, '1')
  expect({ exports: settings !== null, problem }).toEqual({ exports, problem: '' })
})

test.each([
  ['a protocol we do not speak', { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, '`grpc`'],
  ['an exporter we do not have', { ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin' }, '`zipkin`'],
  ['an endpoint that is no url', { OTEL_EXPORTER_OTLP_ENDPOINT: 'user:s3cret@collector' }, 'not an http'],
])('%s is named as the problem, nothing is exported, and no secret is quoted', (_, env, words) => {
  const { settings, problem } = readOtlpSettings(env, '1')
  expect(settings).toBeNull()
  expect(problem).toContain(words)
  expect(problem).not.toContain('s3cret')
})
