// One thing that ran otherwise than by a version somebody chose and approved, and the sentence that says so to people who
// have never seen a request.
import type { RequirementName } from '../../pin/pins.ts'

/** Named after the requirement that would have answered it; `out_of_band` is what no request can be asked for. */
export type FindingKind = RequirementName | 'out_of_band'

/** What a finding is about, with everything its line of a report says. */
export type ExposureFinding = {
  readonly finding: FindingKind
  /** '' when nobody knows, as for what was made elsewhere. */
  readonly team: string
  readonly caller: string
  readonly agent_id: string
  readonly agent_name: string
  /** 0 when there is none. */
  readonly agent_version: number
  /** A session, a deployment, an environment or another thing by its id; the operation when it has none. */
  readonly object: string
  /** '' when no session is concerned yet. */
  readonly session_id: string
  /** ISO 8601 UTC. */
  readonly at: string
  /** The request id, by which the audit has it; '' for what did not pass here. */
  readonly request_id: string
  /** Short: `latest`, `model+system`, a JSON path. */
  readonly detail: string
  readonly sentence: string
}

type Told = Omit<ExposureFinding, 'sentence'>

/** Adds the sentence. */
export function tell(found: Told): ExposureFinding {
  return { ...found, sentence: `${sentences[found.finding](found, words(found))}.` }
}

type Words = { readonly who: string; readonly agent: string; readonly version: string; readonly what: string }

function words({ team, agent_id, agent_name, agent_version, session_id, object }: Told): Words {
  const name = agent_name === '' ? agent_id : agent_name
  return {
    who: team === '' ? 'Somebody' : `Team ${team}`,
    agent: name === '' ? 'an agent' : `agent ${name}`,
    version: agent_version === 0 ? 'the latest version' : `version ${agent_version}`,
    what: session_id === '' ? object : `session ${session_id}`,
  }
}

/** What a class that only observes found, where there is more to say than its name. */
const observed =
  (says: string) =>
  ({ detail }: Told, { who, what }: Words): string =>
    `${who} ${says} (${what}: ${detail})`

const sentences: { readonly [kind in FindingKind]: (found: Told, words: Words) => string } = {
  explicit_version: (_, { who, agent, version, what }) =>
    `${who} started ${agent} without naming a version (${what}), so it got ${version}, whatever that was at the moment`,
  approved_version: ({ detail }, { who, agent, version, what }) =>
    `${who} ran ${version} of ${agent} (${what}), which is ${detail}`,
  no_overrides: ({ detail }, { who, agent, version, what }) =>
    `${who} ran ${version} of ${agent} with parts replaced (${detail}), so what ran is not what that version says (${what})`,
  session_tools: ({ detail }, { who, what }) =>
    `${who} changed what the agent may use while it was running (${what}: ${detail})`,
  environment_unchanged: ({ detail }, { who, what }) =>
    detail.includes(' changed by ')
      ? `${who} used an environment that had been changed and that nobody has approved since (${what}: ${detail})`
      : `${who} used an environment that is not as approved (${what}: ${detail})`,
  deployment_version: ({ detail }, { who, agent, version, what }) =>
    detail === 'repinned'
      ? `${who} moved a deployment to the latest version of ${agent} without choosing one (${what})`
      : `${who} let ${version} of ${agent} run by a deployment that had been moved to the latest version (${what})`,
  verified_answer: ({ detail }, { agent, version, what }) =>
    detail.startsWith('drift ')
      ? `Something else runs than ${version} of ${agent} says, and no request through this gateway explains it (${what}: ${detail.slice(6)})`
      : `The provider ran something else than was pinned for ${agent}, or it could not be checked (${what}: ${detail})`,
  out_of_band: ({ detail }, { agent, version, what }) =>
    `${version === 'the latest version' ? 'A version' : capital(version)} of ${agent} ran without passing this gateway, so nothing was checked or limited (${what}, ${detail})`,
  override_keeps_geo: observed('replaced a model without saying where it must run'),
  roster_versions: observed('let an agent start others without saying which version of them'),
  no_self_members: observed('let an agent start copies of itself with whatever was replaced for the session'),
  no_inline_agents: observed('let an agent make up others that nobody has seen'),
  no_workflows: observed('let an agent write and run programs of its own'),
  advisor_models: observed('let an agent ask a model that is not on the list'),
  skill_versions: observed('used a skill without saying which version of it'),
  repository_commits: observed('used a repository that may change under the agent'),
  no_system_messages: observed('gave a running agent new standing orders'),
  memory_read_only: observed('let an agent change what it and others will remember'),
  dated_models: observed('used a model name that may be moved to another model'),
  mcp_tools_listed: observed('let an agent use tools of a remote server that nobody listed'),
  version_guard: observed('changed an agent without saying which version was meant'),
  credential_rotation: observed('changed a secret that another team uses'),
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
