// policies/pins.yaml -> Pins: classes and what each requires, what belongs to which class, which versions are approved.
// Strict: what is not understood is refused with file, line and reason, never ignored.
import { basename } from 'node:path'
import { openYaml, type YamlSource } from '../kernel/yaml-source.ts'
import type {
  Approval,
  EnvironmentApproval,
  PinClass,
  Pins,
  Requirement,
  RequirementName,
  Rollout,
  Sensitivity,
} from './pins.ts'
import { requirementNames, subjectKinds } from './pins.ts'
import { type PinsText, pinsText, type WrittenApproval } from './pins-schema.ts'

export type { Pins } from './pins.ts'

/**
 * Parses the text of pins.yaml; an empty file is valid and requires nothing. Throws `PolicyFileError` with the line
 * on YAML errors, unknown or missing keys, a class nobody defined, a version that is approved twice or both approved
 * and rejected, and a rollout to a version that is rejected or, of an agent with approvals, not approved.
 */
export function parsePins(text: string, file: string): Pins {
  const source = openYaml(text, file)
  const parsed = pinsText.safeParse(source.value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const odd = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    const path = issue?.path ?? []
    // The line of the key itself, not of the list it stands in.
    if (odd !== undefined) return source.failAtKey([...path, odd], whyOdd([...path, odd]))
    return source.fail(path, issue?.message ?? 'is not valid')
  }
  const data = parsed.data ?? {}
  const ruleOf = (path: readonly PropertyKey[], name: string): string =>
    `${basename(file)}:${source.lineOf(path)} ${name}`
  const classes = readClasses(data)
  const defaultName = data.default ?? 'open'
  const defaultClass = classes.get(defaultName)
  if (defaultClass === undefined) return source.fail(['default'], unknownClass(defaultName, classes))
  const approved = readApproved(data, source, ruleOf)
  const rejected = readRejected(data, approved, source)
  return {
    fourEyes: data.four_eyes ?? 'require',
    defaultClass,
    defaultRule: ruleOf(['default'], `default ${defaultName}`),
    classes,
    sensitivity: readSensitivity(data, classes, source, ruleOf),
    approved,
    rejected,
    rollouts: readRollouts(data, { approved, rejected }, source, ruleOf),
    environments: readEnvironments(data, ruleOf),
    commits: new Map(Object.entries(data.commits ?? {})),
  }
}

/** The keys that this file had once say what to write now. */
function whyOdd(path: readonly PropertyKey[]): string {
  if (path.length !== 1 || path[0] !== 'sensitive') return 'is not a key that is known here'
  return (
    'is how this file was written once; define a class, `classes: { sensitive: { explicit_version: force, ' +
    'approved_version: force, no_overrides: require } }`, and put each entry under `sensitivity` as ' +
    '`- { agent: agent_…, class: sensitive }`'
  )
}

type RuleOf = (path: readonly PropertyKey[], name: string) => string

function readClasses(data: PinsText): ReadonlyMap<string, PinClass> {
  const classes = new Map<string, PinClass>([['open', { name: 'open', requirements: new Map() }]])
  for (const [name, written] of Object.entries(data.classes ?? {})) {
    const requirements = new Map<RequirementName, Requirement>()
    for (const requirement of requirementNames) {
      const value = written?.[requirement]
      if (value === undefined) continue
      const { mode, allow } = typeof value === 'string' ? { mode: value, allow: [] } : value
      if (mode !== 'off') requirements.set(requirement, { mode, allow })
    }
    classes.set(name, { name, requirements })
  }
  return classes
}

const unknownClass = (name: string, classes: ReadonlyMap<string, PinClass>): string =>
  `names the class \`${name}\`, which \`classes\` does not define; there are: ${[...classes.keys()].join(', ')}`

function readSensitivity(
  data: PinsText,
  classes: ReadonlyMap<string, PinClass>,
  source: YamlSource,
  ruleOf: RuleOf,
): readonly Sensitivity[] {
  return (data.sensitivity ?? []).flatMap((entry, at): readonly Sensitivity[] => {
    const path = ['sensitivity', at]
    if (!classes.has(entry.class)) source.fail([...path, 'class'], unknownClass(entry.class, classes))
    const named = subjectKinds.filter((kind) => entry[kind] !== undefined)
    const [kind] = named
    if (kind === undefined || named.length > 1) {
      return source.fail(path, `must name one of ${subjectKinds.map((name) => `\`${name}\``).join(', ')}`)
    }
    const subjects =
      entry.metadata === undefined
        ? [entry[kind]]
        : Object.entries(entry.metadata).map(([key, value]) => `${key}=${value}`)
    return subjects.flatMap((subject) =>
      typeof subject === 'string'
        ? [{ kind, subject, className: entry.class, rule: ruleOf(path, `${kind} ${subject}`) }]
        : [],
    )
  })
}

function readApproved(
  data: PinsText,
  source: YamlSource,
  ruleOf: RuleOf,
): ReadonlyMap<string, readonly Approval[]> {
  const approved = new Map<string, readonly Approval[]>()
  for (const [agentId, written] of Object.entries(data.approved ?? {})) {
    const approvals = written.map((entry, at) =>
      readApproval(entry, (version) => ruleOf(['approved', agentId, at], `approved ${agentId} ${version}`)),
    )
    const seen = new Set<number>()
    for (const [at, { version }] of approvals.entries()) {
      if (seen.has(version)) {
        source.fail(['approved', agentId, at], 'lists a version twice; list each once, the newest last')
      }
      seen.add(version)
    }
    approved.set(agentId, approvals)
  }
  return approved
}

function readApproval(entry: WrittenApproval, ruleOf: (version: number) => string): Approval {
  const written = typeof entry === 'number' ? { version: entry } : entry
  return {
    version: written.version,
    configHash: written.config ?? null,
    by: written.by ?? '',
    ticket: written.ticket ?? '',
    onMs: written.on ?? null,
    expiresAtMs: written.expires ?? null,
    rule: ruleOf(written.version),
  }
}

function readRejected(
  data: PinsText,
  approved: ReadonlyMap<string, readonly Approval[]>,
  source: YamlSource,
): ReadonlyMap<string, ReadonlySet<number>> {
  const rejected = new Map<string, ReadonlySet<number>>()
  for (const [agentId, versions] of Object.entries(data.rejected ?? {})) {
    for (const [at, version] of versions.entries()) {
      if (approved.get(agentId)?.some((approval) => approval.version === version) === true) {
        source.fail(['rejected', agentId, at], 'is approved too; take it out of one of the lists')
      }
    }
    rejected.set(agentId, new Set(versions))
  }
  return rejected
}

function readRollouts(
  data: PinsText,
  known: Pick<Pins, 'approved' | 'rejected'>,
  source: YamlSource,
  ruleOf: RuleOf,
): ReadonlyMap<string, Rollout> {
  const rollouts = new Map<string, Rollout>()
  for (const [agentId, written] of Object.entries(data.rollouts ?? {})) {
    const { stable, canary = null, percent = 0, by = 'caller', always = [], hold = false, bounds } = written
    const path = ['rollouts', agentId]
    const approvals = known.approved.get(agentId)
    for (const [name, version] of [
      ['stable', stable],
      ['canary', canary],
    ] as const) {
      if (version === null) continue
      if (known.rejected.get(agentId)?.has(version) === true) source.fail([...path, name], 'is rejected')
      if (approvals !== undefined && !approvals.some((approval) => approval.version === version)) {
        source.fail([...path, name], 'is not approved; approve it first')
      }
    }
    if (canary === null && percent > 0) {
      source.fail(path, 'spreads requests to a canary and names none; add `canary`')
    }
    rollouts.set(agentId, {
      stable,
      canary,
      percent,
      by,
      always,
      hold,
      releasedMs: written.released ?? null,
      bounds:
        bounds === undefined
          ? null
          : {
              sessionsMin: bounds.sessions,
              windowMs: bounds.window,
              errorRate: bounds.error_rate ?? null,
              denialRate: bounds.denial_rate ?? null,
              costPerSession: bounds.cost_per_session ?? null,
              medianRunningTime: bounds.median_running_time ?? null,
            },
      rule: ruleOf(path, `rollout ${agentId}`),
    })
  }
  return rollouts
}

function readEnvironments(data: PinsText, ruleOf: RuleOf): ReadonlyMap<string, EnvironmentApproval> {
  const entries = Object.entries(data.environments ?? {}).map(
    ([id, { config, by, on }]): [string, EnvironmentApproval] => [
      id,
      {
        configHash: config,
        by: by ?? '',
        onMs: on ?? null,
        rule: ruleOf(['environments', id], `environment ${id}`),
      },
    ],
  )
  return new Map(entries)
}
