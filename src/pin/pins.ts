// What policies/pins.yaml says, ready to be asked: classes and what each requires, what belongs to which class,
// which versions are approved, and how a new one is brought in.

/** How a requirement acts: not at all, recorded only, by rewriting the request, or by refusing it. Rising strictness. */
export const modes = ['off', 'observe', 'force', 'require'] as const
export type Mode = (typeof modes)[number]

/** What a class can require. Each answers one or more of the ways a pin can be hollow (`docs/versions.md`). */
export const requirementNames = [
  ...['explicit_version', 'approved_version', 'no_overrides', 'override_keeps_geo', 'session_tools'],
  ...['deployment_version', 'roster_versions', 'no_self_members', 'no_inline_agents', 'no_workflows'],
  ...['advisor_models', 'skill_versions', 'repository_commits', 'no_system_messages', 'memory_read_only'],
  ...['environment_unchanged', 'dated_models', 'mcp_tools_listed', 'version_guard', 'credential_rotation'],
  ...['verified_answer'],
] as const
export type RequirementName = (typeof requirementNames)[number]

/** One requirement of a class: its mode, and the names it lets pass (fields, models, `narrowing`). */
export type Requirement = { readonly mode: Mode; readonly allow: readonly string[] }

export type PinClass = {
  readonly name: string
  /** What is not in here is `off`. */
  readonly requirements: ReadonlyMap<RequirementName, Requirement>
}

/** What a request touches, by which it is put into classes. Patterns are names with `*`, never regular expressions. */
export const subjectKinds = [
  ...['agent', 'agent_name', 'team', 'environment', 'vault', 'memory_store', 'repository', 'metadata'],
] as const
export type SubjectKind = (typeof subjectKinds)[number]

/** One entry of `sensitivity`. `rule` names it for people: `pins.yaml:12 agent agent_x`. */
export type Sensitivity = {
  readonly kind: SubjectKind
  /** An id, a name or a pattern; `key=value` for metadata. */
  readonly subject: string
  readonly className: string
  readonly rule: string
}

/** A version somebody approved, by its content. */
export type Approval = {
  readonly version: number
  /** `sha256:<hex>` of the resolved configuration; null where somebody approved the number alone. */
  readonly configHash: string | null
  readonly by: string
  readonly ticket: string
  readonly onMs: number | null
  readonly expiresAtMs: number | null
  readonly rule: string
}

/** How requests that name no version are spread over versions. */
export type Rollout = {
  readonly stable: number
  readonly canary: number | null
  /** 0 to 100: the share of requests that get the canary. */
  readonly percent: number
  /** What decides sticky: `caller`, `team` or `metadata.<key>`. */
  readonly by: string
  /** Teams and callers that always get the canary. */
  readonly always: readonly string[]
  /** True: nobody gets the canary until a person releases it. */
  readonly hold: boolean
  /** When a person last let a held canary go on; what it did before holds it no more. */
  readonly releasedMs: number | null
  readonly bounds: RolloutBounds | null
  readonly rule: string
}

/** Where a canary is held by itself: how much worse than stable it may be, with enough sessions to say so. */
export type RolloutBounds = {
  readonly sessionsMin: number
  readonly windowMs: number
  /** Differences in share, 0 to 1. */
  readonly errorRate: number | null
  readonly denialRate: number | null
  /** Factors of stable's. */
  readonly costPerSession: number | null
  readonly medianRunningTime: number | null
}

/** The configuration an environment had when somebody approved it; environments have no versions. */
export type EnvironmentApproval = {
  readonly configHash: string
  readonly by: string
  readonly onMs: number | null
  readonly rule: string
}

/**
 * Whether a version may be approved by whoever made it: `off` yes; `require` no; `strict` no, and not either when
 * nobody saw who made it.
 */
export const fourEyes = ['off', 'require', 'strict'] as const
export type FourEyes = (typeof fourEyes)[number]

export type Pins = {
  readonly fourEyes: FourEyes
  /** The class of what no entry names. */
  readonly defaultClass: PinClass
  /** Where the default class is said, for people: `pins.yaml:1 default standard`. */
  readonly defaultRule: string
  readonly classes: ReadonlyMap<string, PinClass>
  readonly sensitivity: readonly Sensitivity[]
  /** Agent id -> approvals in the order of the file; `force` writes the last that counts. */
  readonly approved: ReadonlyMap<string, readonly Approval[]>
  /** Agent id -> versions refused for good. */
  readonly rejected: ReadonlyMap<string, ReadonlySet<number>>
  readonly rollouts: ReadonlyMap<string, Rollout>
  readonly environments: ReadonlyMap<string, EnvironmentApproval>
  /** Repository URL -> the commit that `force` writes. */
  readonly commits: ReadonlyMap<string, string>
}
