// What a changed pins.yaml means, beside its changed lines: which approvals, classes and rollouts are different.
import { canonicalJson } from './kernel/canonical-json.ts'
import type { Approval, PinClass, Pins, Rollout } from './pin/pins.ts'

/**
 * `+ approval agent_x 4 (sha256:…, by ada, SEC-12)`, `- rejection agent_x 5`, `~ rollout agent_x (percent 10 -> 50)`,
 * `~ class sensitive (no_overrides)`; none when only words and order changed.
 */
export function describePinsChange(before: Pins, after: Pins): readonly string[] {
  return [
    ...compare('approval', approvalsOf(before), approvalsOf(after), () => 'other terms'),
    ...compare('rejection', rejectionsOf(before), rejectionsOf(after), () => ''),
    ...compare('class', classesOf(before), classesOf(after), changedMembers),
    ...compare('sensitivity', sensitivityOf(before), sensitivityOf(after), () => ''),
    ...compare('rollout', rolloutsOf(before), rolloutsOf(after), changedMembers),
    ...compare('environment', environmentsOf(before), environmentsOf(after), changedMembers),
    ...compare('commit', new Map(before.commits), new Map(after.commits), () => 'another commit'),
    ...(before.fourEyes === after.fourEyes ? [] : [`~ four_eyes ${before.fourEyes} -> ${after.fourEyes}`]),
    ...(before.defaultClass.name === after.defaultClass.name
      ? []
      : [`~ default ${before.defaultClass.name} -> ${after.defaultClass.name}`]),
  ]
}

type Members = { readonly [key: string]: unknown }

function compare<Value extends Members | string>(
  what: string,
  before: ReadonlyMap<string, Value>,
  after: ReadonlyMap<string, Value>,
  tell: (old: Value, now: Value) => string,
): readonly string[] {
  const gone = [...before.keys()].filter((key) => !after.has(key)).map((key) => `- ${what} ${key}`)
  const rest = [...after].flatMap(([key, now]) => {
    const old = before.get(key)
    if (old === undefined) return [`+ ${what} ${key}`]
    return canonicalJson(old) === canonicalJson(now) ? [] : [`~ ${what} ${key} (${tell(old, now)})`]
  })
  return [...gone, ...rest]
}

function changedMembers(old: Members, now: Members): string {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  const show = (value: unknown): string => (value === undefined ? 'off' : canonicalJson(value))
  return keys
    .filter((key) => show(old[key]) !== show(now[key]))
    .map((key) => `${key} ${show(old[key])} -> ${show(now[key])}`)
    .join(', ')
}

/** The line of an entry moves with every edit above it, and says nothing of the entry. */
function termsOf({ configHash, by, ticket, expiresAtMs }: Approval): string {
  const until = expiresAtMs === null ? [] : [`until ${new Date(expiresAtMs).toISOString().slice(0, 10)}`]
  const said = [configHash ?? 'the number alone', ...(by === '' ? [] : [`by ${by}`])]
  return [...said, ...(ticket === '' ? [] : [ticket]), ...until].join(', ')
}

const approvalsOf = ({ approved }: Pins): ReadonlyMap<string, string> =>
  new Map(
    [...approved].flatMap(([agentId, approvals]) =>
      approvals.map((approval): [string, string] => [
        `${agentId} ${approval.version} (${termsOf(approval)})`,
        '',
      ]),
    ),
  )

const rejectionsOf = ({ rejected }: Pins): ReadonlyMap<string, string> =>
  new Map(
    [...rejected].flatMap(([agentId, versions]) =>
      [...versions].map((version): [string, string] => [`${agentId} ${version}`, '']),
    ),
  )

const classesOf = ({ classes }: Pins): ReadonlyMap<string, Members> =>
  new Map([...classes].map(([name, { requirements }]) => [name, requirementsOf(requirements)]))

const requirementsOf = (requirements: PinClass['requirements']): Members => Object.fromEntries(requirements)

const sensitivityOf = ({ sensitivity }: Pins): ReadonlyMap<string, string> =>
  new Map(sensitivity.map(({ kind, subject, className }) => [`${kind} ${subject}: ${className}`, '']))

const rolloutsOf = ({ rollouts }: Pins): ReadonlyMap<string, Members> =>
  new Map([...rollouts].map(([agentId, rollout]) => [agentId, withoutRule(rollout)]))

const withoutRule = ({ rule: _rule, ...rollout }: Rollout): Members => rollout

const environmentsOf = ({ environments }: Pins): ReadonlyMap<string, Members> =>
  new Map([...environments].map(([id, { rule: _rule, ...approval }]) => [id, approval]))
