// What the pins did to a request, told to three readers: the client in a header, audit in a record, a dry run in full.
import type { ExchangeRecord } from '../audit/exchange-record.ts'
import { withoutKeys } from '../kernel/redact.ts'
import type { Exposure } from '../pin/exposure.ts'
import type { JudgedFinding, PinJudged, PinOutcome } from '../pin/pin-outcome.ts'
import type { Exchange } from './exchange.ts'

/** More would be a header that somebody's server does not take. */
const headerEntriesMax = 10

/** The value of `x-tollgate-pin`: one entry for each thing that was forced; null when nothing was. */
export function writePinHeader(pin: PinOutcome | null): string | null {
  if (pin?.kind !== 'judged' || pin.body === null) return null
  const entries = pin.findings.flatMap((finding) => {
    if (finding.mode !== 'force') return []
    const { requested, resolved, className, requirement } = finding
    const asked = `requested=${headerWord(requested)}; resolved=${headerWord(resolved)}`
    return [`force; ${asked}; class=${className}; rule=${requirement}`]
  })
  return [...new Set(entries)].slice(0, headerEntriesMax).join(', ')
}

/** A word that neither ends its entry nor the header. */
const headerWord = (text: string): string =>
  text.replaceAll(/[^\x21-\x2b\x2d-\x3a\x3c-\x7e]/g, '_').slice(0, 64)

type PinFields = Pick<
  ExchangeRecord,
  | 'agent_id'
  | 'agent_version'
  | 'agent_version_requested'
  | 'pin_kind'
  | 'pin_class'
  | 'pin_rule'
  | 'pin_findings'
  | 'approved_by'
  | 'config_hash'
>

/** The columns of the audit. An agent's id comes from a body, so it is looked through for keys like the rest. */
export function readPin(pin: Exchange['steps']['pin']): PinFields {
  const judged = pin?.kind === 'denied' ? pin.judged : pin?.kind === 'judged' ? pin : null
  return {
    agent_id: withoutKeys(judged?.agentId ?? ''),
    agent_version: pin?.kind === 'judged' ? pin.version : 0,
    agent_version_requested: withoutKeys(judged?.requested ?? ''),
    pin_kind: kindOf(pin),
    pin_class: judged?.classes.join(',') ?? '',
    pin_rule: judged?.rule ?? '',
    pin_findings: withoutKeys(judged === null ? '' : writeFindings(judged.findings)),
    approved_by: judged?.approvedBy ?? '',
    config_hash: judged?.configHash ?? '',
  }
}

/** Where no class looked at the request, its record says all the same which agent was named, and how. */
export function withExposure(
  fields: PinFields,
  exposure: Exposure | null,
): PinFields & Pick<ExchangeRecord, 'exposure'> {
  if (exposure === null) return { ...fields, exposure: '' }
  const named =
    fields.pin_kind === 'open'
      ? {
          agent_id: withoutKeys(exposure.agentId),
          agent_version: exposure.version,
          agent_version_requested: exposure.requested,
        }
      : {}
  return { ...fields, ...named, exposure: exposure.words }
}

function kindOf(pin: PinOutcome | null): string {
  if (pin === null) return ''
  if (pin.kind !== 'judged') return pin.kind
  if (pin.body !== null) return 'forced'
  return pin.findings.length > 0 ? 'observed' : 'satisfied'
}

const findingsLengthMax = 2_048

/** One `mode requirement path: requested -> resolved` a line; ends in `…` when that is not all. */
function writeFindings(findings: readonly JudgedFinding[]): string {
  let text = ''
  for (const { mode, requirement, path, requested, resolved } of findings) {
    const place = path.length === 0 ? 'body' : path.join('.').slice(0, 128)
    const line = `${mode} ${requirement} ${place}: ${requested.slice(0, 128)} -> ${resolved === '' ? 'none' : resolved.slice(0, 128)}`
    const printable = line.replaceAll(/[^\x20-\x7e]/g, '?')
    if (text.length + printable.length > findingsLengthMax) return `${text}\n…`
    text += `${text === '' ? '' : '\n'}${printable}`
  }
  return text
}

/** Everything, for whoever tries a request out. */
export function describePin(judged: PinJudged): object {
  const { classes, rule, agentId, requested, version, approvedBy, configHash, findings } = judged
  return {
    classes,
    rule,
    agent: agentId,
    requested,
    resolved: version === 0 ? null : version,
    approved_by: approvedBy,
    config_hash: configHash,
    findings: findings.map(({ mode, requirement, className, path, sentence, ...found }) => ({
      requirement,
      mode,
      class: className,
      rule: found.rule,
      path,
      requested: found.requested,
      resolved: found.resolved,
      sentence,
    })),
  }
}
