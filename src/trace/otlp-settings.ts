// The standard OTEL_* variables -> whether and where spans are exported. Without an endpoint nothing is sent
// anywhere: the specification's default of localhost:4318 would be a network call nobody asked for.
import { parseKeyPairsIntoRecord } from '@opentelemetry/core'

export type Environment = { readonly [name: string]: string | undefined }

export type OtlpSignal = 'TRACES' | 'LOGS'

export type OtlpSettings = {
  readonly url: string
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly headers: Readonly<Record<string, string>>
  readonly resourceAttributes: Readonly<Record<string, string>>
}

/** Settings to export with, or null; `problem` says why nothing is exported although somebody asked for it. */
export type OtlpChoice = { readonly settings: OtlpSettings | null; readonly problem: string }

const off: OtlpChoice = { settings: null, problem: '' }

/**
 * Reads endpoint, protocol, headers, service name and resource attributes; the signal's variant of a variable
 * wins. Never throws: a telemetry setting must not keep the gateway from serving.
 */
export function readOtlpSettings(
  env: Environment,
  serviceVersion: string,
  signal: OtlpSignal = 'TRACES',
): OtlpChoice {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return off
  const endpoint = readEndpoint(env, signal)
  if (endpoint === '') return off
  const exporters = readList(env[`OTEL_${signal}_EXPORTER`])
  if (exporters.includes('none')) return off
  if (exporters.length > 0 && !exporters.includes('otlp')) {
    return problem(`\`OTEL_${signal}_EXPORTER\` is \`${exporters.join(',')}\`; use \`otlp\` or \`none\``)
  }
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    return problem('the OTLP endpoint is not an http or https url; fix `OTEL_EXPORTER_OTLP_ENDPOINT`')
  }
  const protocol = setting(env, signal, 'PROTOCOL') || 'http/protobuf'
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    return problem(`the OTLP protocol is \`${protocol}\`; use \`http/protobuf\` or \`http/json\``)
  }
  return {
    settings: {
      url: endpoint,
      protocol,
      headers: {
        ...parseKeyPairsIntoRecord(env['OTEL_EXPORTER_OTLP_HEADERS']),
        ...parseKeyPairsIntoRecord(env[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`]),
      },
      resourceAttributes: {
        'service.name': 'tollgate',
        ...(serviceVersion === '' ? {} : { 'service.version': serviceVersion }),
        ...parseKeyPairsIntoRecord(env['OTEL_RESOURCE_ATTRIBUTES']),
        ...(env['OTEL_SERVICE_NAME'] ? { 'service.name': env['OTEL_SERVICE_NAME'] } : {}),
      },
    },
    problem: '',
  }
}

/** The signal's own endpoint is used as it is; to the general one its path is added. */
function readEndpoint(env: Environment, signal: OtlpSignal): string {
  const own = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]?.trim() ?? ''
  if (own !== '') return own
  const general = env['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() ?? ''
  return general === '' ? '' : `${general.replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`
}

function setting(env: Environment, signal: OtlpSignal, name: string): string {
  return (env[`OTEL_EXPORTER_OTLP_${signal}_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || '').trim()
}

function readList(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function problem(text: string): OtlpChoice {
  return { settings: null, problem: text }
}
