// Which facts of a request become which attributes. HTTP names follow OpenTelemetry's semantic conventions,
// `anthropic.*` and `gen_ai.*` are names Anthropic's own spans use, everything that is ours is `tollgate.*`.
import type { RequestArrival, RequestFacts } from './request-span.ts'

export type SpanAttributes = Readonly<Record<string, string | number>>

const knownMethods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])

/** `{METHOD} {route}`; never the path, so that names stay few. */
export function spanName({ method, route }: RequestArrival): string {
  const verb = knownMethods.has(method) ? method : 'HTTP'
  return route === '' ? verb : `${verb} ${route}`
}

/** What is known at the start. A method nobody knows is `_OTHER`: it is the client's free text. */
export function arrivalAttributes({ method, route }: RequestArrival): SpanAttributes {
  return present({
    'http.request.method': knownMethods.has(method) ? method : '_OTHER',
    'http.route': route,
    'url.scheme': 'http',
    'gen_ai.provider.name': 'anthropic',
  })
}

/** What is known at the end. */
export function settledAttributes(facts: RequestFacts): SpanAttributes {
  const pinned = facts.pin_kind !== '' && facts.pin_kind !== 'open'
  return {
    ...present({
      // A path outside the table may be anything, a pasted key included.
      'url.path': facts.operation === '' ? '' : facts.path,
      'http.response.status_code': facts.status,
      'http.request.body.size': facts.request_bytes,
      'http.response.body.size': facts.response_bytes,
      'http.request.resend_count': facts.retry_count,
      'error.type': errorType(facts),
      'anthropic.request.id': facts.upstream_request_id,
      'anthropic.session.id': facts.session_id,
      'session.id': facts.session_id,
      'gen_ai.agent.id': facts.agent_id,
      'tollgate.exchange.id': facts.exchange_id,
      'tollgate.operation': facts.operation,
      'tollgate.team': facts.team,
      'tollgate.caller': facts.caller,
      'tollgate.decision': facts.decision,
      'tollgate.policy.rule': facts.rules,
      'tollgate.policy.hash': facts.policy_hash,
      'tollgate.end_reason': facts.end_reason,
      'tollgate.stream.events': facts.events,
    }),
    ...(pinned
      ? present({
          'tollgate.pin.kind': facts.pin_kind,
          'tollgate.pin.requested': facts.agent_version_requested,
          'tollgate.pin.version': facts.agent_version,
          'tollgate.pin.class': facts.pin_class ?? '',
          'tollgate.pin.rule': facts.pin_rule ?? '',
          'tollgate.pin.approved_by': facts.approved_by ?? '',
          'tollgate.pin.config_hash': facts.config_hash ?? '',
        })
      : {}),
  }
}

/** True when it is our side's or the upstream's failure; a refusal is an answer. */
export function isFailure(facts: RequestFacts): boolean {
  return facts.status >= 500 || facts.end_reason === 'upstream_broke'
}

function errorType(facts: RequestFacts): string {
  if (facts.error_code !== '') return facts.error_code
  return isFailure(facts) ? String(facts.status) : ''
}

/** Empty strings and zeros mean "not known"; an attribute that says nothing is left out. */
function present(attributes: SpanAttributes): SpanAttributes {
  const kept: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== '' && value !== 0) kept[name] = value
  }
  return kept
}
