// The way out: once per exchange, when its socket is done with it, whatever the reason.
import type { ExchangeRecord } from '../audit/exchange-record.ts'
import { writeCapabilities } from '../authorize/capability-text.ts'
import type { Permit } from '../authorize/permit.ts'
import type { Clock } from '../kernel/clock.ts'
import { withoutKeys } from '../kernel/redact.ts'
import type { Exchange } from './exchange.ts'
import { readPin, withExposure } from './pin-report.ts'

/** How the client's side ended. */
export type Ending = { readonly finished: boolean; readonly status: number; readonly closing: boolean }

/** Everything audit keeps of an exchange, as of its end. Pure but for the clock. */
export function toExchangeRecord(exchange: Exchange, ending: Ending, clock: Clock): ExchangeRecord {
  const { steps, operation } = exchange
  const endReason = readEndReason(exchange, ending)
  const { permit, pin, caller, refusal } = steps
  const judged = permit ?? refusal?.judged
  return {
    kind: 'exchange',
    exchange_id: exchange.id,
    started_at_ms: exchange.startedAtMs,
    duration_ms: Math.round(clock.monotonicMs() - exchange.startedMonotonicMs),
    operation: operation?.id ?? '',
    method: exchange.method,
    path: withoutKeys(steps.path),
    team: caller?.team ?? '',
    caller: caller?.id ?? '',
    key_id: caller?.keyId ?? '',
    client_ip: exchange.clientIp,
    user_agent: withoutKeys(exchange.userAgent),
    decision: readDecision(exchange, ending),
    error_code: refusal?.code ?? (endReason === 'upstream_broke' ? 'upstream.broken' : ''),
    rules: refusal?.rule || (permit === null ? '' : readRules(permit, steps.funding)),
    policy_hash: judged?.policyHash ?? '',
    capabilities:
      judged === undefined
        ? ''
        : withoutKeys(writeCapabilities(judged.capabilities, refusal?.judged?.isPartial)),
    shadow: withoutKeys(judged?.shadow ?? ''),
    ...withExposure(readPin(pin), steps.exposure),
    session_id: withoutKeys(steps.tap?.sessionId() ?? exchange.params['session_id'] ?? ''),
    status: endReason === 'client_gone' ? 499 : ending.status,
    end_reason: endReason,
    upstream_request_id: withoutKeys(steps.head?.requestId ?? '').slice(0, 256),
    request_bytes: permit?.body?.length ?? 0,
    response_bytes: steps.responseBytes,
    events: steps.tap?.events() ?? 0,
    trace_id: exchange.span.traceId,
    retry_count: exchange.retryCount,
  }
}

/** The rules that allowed it, or the objects that were kept from it. */
function readRules({ masks, rules }: Permit, funding: Exchange['steps']['funding']): string {
  const hidden = masks.map(({ kind, id }) => withoutKeys(`hidden ${kind}/${id}`))
  const { limitCents = null, rule = '' } = funding ?? {}
  const limit = limitCents === null ? [] : [`${rule} limit ${limitCents} cents`]
  return [...new Set([...(hidden.length > 0 ? hidden : rules), ...limit])].join(',')
}

function readDecision({ steps }: Exchange, ending: Ending): ExchangeRecord['decision'] {
  const { refusal, permit, pin } = steps
  if (steps.isDryRun && ending.finished) return 'dry_run'
  if (refusal !== null && !isWithdrawn(steps)) {
    if (permit !== null) return 'failed'
    if (refusal.code === 'gateway.internal') return 'failed'
    return /^(authorize|pin|budget|stop)\./.test(refusal.code) ? 'denied' : 'refused'
  }
  // Nobody decided anything: the client left while its body was read or its question was asked.
  if (permit === null && !ending.finished) return 'abandoned'
  // It went up with ids that name nothing: the upstream was asked for its words alone.
  if (permit !== null && permit.masks.length > 0) return 'denied'
  const isLimited = (steps.funding?.limitCents ?? null) !== null
  return isLimited || (pin?.kind === 'judged' && pin.body !== null) ? 'rewritten' : 'allowed'
}

/** It was let in, and its caller has gone since, or somebody stopped it. */
function isWithdrawn({ permit, refusal }: Exchange['steps']): boolean {
  return permit !== null && refusal !== null && /^(identify|stop)\./.test(refusal.code)
}

function readEndReason({ steps }: Exchange, ending: Ending): ExchangeRecord['end_reason'] {
  const isCutShort = steps.head?.isEventStream === true && !steps.upstreamCompleted
  if (isWithdrawn(steps)) return steps.refusal?.code === 'stop.active' ? 'stopped' : 'caller_withdrawn'
  if (ending.closing && (isCutShort || !ending.finished)) return 'shutdown'
  if (ending.finished) return 'completed'
  return steps.upstreamFailure !== null && steps.head !== null ? 'upstream_broke' : 'client_gone'
}
