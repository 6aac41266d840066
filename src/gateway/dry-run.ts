// A request tried out: what would be decided and rewritten, and why. Nothing goes up and nothing is made.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import { errorKinds, TollgateError } from '../kernel/errors.ts'
import { findSpan } from '../pin/edits.ts'
import type { PinJudged, PinOutcome } from '../pin/pin-outcome.ts'
import type { Exchange, Refusal } from './exchange.ts'
import { describePin } from './pin-report.ts'
import { traceHeaders } from './refuse.ts'

/** The header that asks for it; it never goes up. */
export const dryRunHeader = 'x-tollgate-dry-run'

/** Whether it is asked for. Throws `arrive.request_malformed` for a value nobody defined: it might have meant either. */
export function asksForDryRun(headers: IncomingHttpHeaders): boolean {
  const value = headers[dryRunHeader]
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw new TollgateError(
    'arrive.request_malformed',
    `\`${dryRunHeader}\` is neither \`true\` nor \`false\`; send one of them, or leave it out`,
  )
}

/** Answers what was found out. `received` is the body as it came. */
export function answerDryRun(reply: FastifyReply, exchange: Exchange, received: Buffer | null): void {
  void reply
    .code(200)
    .headers({ 'content-type': 'application/json', ...traceHeaders(exchange) })
    .send(JSON.stringify(report(exchange, received)))
}

function report(exchange: Exchange, received: Buffer | null): object {
  const { operation, steps } = exchange
  const { permit, refusal, pin } = steps
  const isHidden = permit !== null && permit.masks.length > 0
  const judged = isHidden ? null : judgedOf(pin)
  const asked = permit ?? refusal?.judged
  return {
    type: 'tollgate_dry_run',
    request_id: exchange.id,
    operation: operation?.id ?? '',
    ...decision(refusal, isHidden),
    capabilities: (asked?.capabilities ?? []).map(({ action, object }, at) => {
      const rule = permit?.rules[at]
      return rule === undefined ? { action, object } : { action, object, rule }
    }),
    policy_hash: asked?.policyHash ?? '',
    pin: judged === null ? null : describePin(judged),
    rewritten: permit === null || isHidden ? [] : rewritten(received, judged, permit.body),
  }
}

const judgedOf = (pin: PinOutcome | null): PinJudged | null =>
  pin?.kind === 'judged' ? pin : pin?.kind === 'denied' ? pin.judged : null

function decision(refusal: Refusal | null, isHidden: boolean): object {
  if (refusal !== null) {
    const { code, rule, message } = refusal
    return { decision: 'denied', status: errorKinds[code].status, error: { code, rule, message } }
  }
  // What belongs to others and what never was are told in the same words.
  if (isHidden) {
    const message = 'something that this request names does not exist, or is not yours to see'
    return { decision: 'denied', status: 404, error: { code: 'not_found', rule: '', message } }
  }
  return { decision: 'allowed', status: null, error: null }
}

/** Longer values are told by their hash. */
const valueLengthMax = 1_024

function rewritten(
  received: Buffer | null,
  judged: PinJudged | null,
  sent: Buffer | null,
): readonly object[] {
  if (received === null || sent === null || received.equals(sent)) return []
  const before = received.toString('utf8')
  const pinned = judged?.body?.toString('utf8') ?? before
  const byPin = (judged?.edits ?? []).map(({ path }) => ({
    by: 'pin',
    path,
    before: valueAt(before, path),
    after: valueAt(pinned, path),
  }))
  const final = sent.toString('utf8')
  const limit = {
    by: 'budget',
    path: ['budget'],
    before: valueAt(pinned, ['budget']),
    after: valueAt(final, ['budget']),
  }
  const isLimited = JSON.stringify(limit.before) !== JSON.stringify(limit.after)
  // What is not a pin's or a budget's is the owner's stamp, which goes into `metadata` alone.
  const stamp = {
    by: 'stamp',
    path: ['metadata'],
    before: valueAt(pinned, ['metadata']),
    after: valueAt(final, ['metadata']),
  }
  const whole = { by: 'all', path: [], before: { sha256: hash(before) }, after: { sha256: hash(final) } }
  const isStamped = JSON.stringify(stamp.before) !== JSON.stringify(stamp.after)
  return [...byPin, ...(isLimited ? [limit] : []), ...(isStamped ? [stamp] : []), whole]
}

function valueAt(text: string, path: Parameters<typeof findSpan>[1]): object | null {
  const span = findSpan(text, path)
  if (span === null) return null
  const json = text.slice(span.start, span.end)
  return json.length <= valueLengthMax ? { json } : { sha256: hash(json) }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
