// What is different between two versions of an agent, in lines that a reviewer reads, with what widens marked.
import type { ResolvedAgent } from './config-hash.ts'
import { type EffectiveConfig, type EffectiveFact, readEffective } from './effective-config.ts'
import { compareLines } from './line-difference.ts'
import type { AgentVersion } from './rule.ts'

/** One difference. `before` is '' for what was added, `after` for what was removed. */
export type Difference = {
  readonly kind: 'added' | 'removed' | 'changed'
  /** What it is about: `tool bash`, `MCP server github`, `system prompt`, `member agent_x: model`. */
  readonly about: string
  readonly before: string
  readonly after: string
  /** The later version may do more than the earlier, or it cannot be told that it may not. */
  readonly widens: boolean
}

/**
 * Every difference between two versions with their rosters: first settings with all defaults filled in, then the
 * system prompt line by line, then the same of every member that both have. Times and metadata are left out.
 */
export function describeDifference(before: ResolvedAgent, after: ResolvedAgent): readonly Difference[] {
  const members = after.members.flatMap((member) => {
    const old = before.members.find(({ id }) => id === member.id)
    if (old === undefined) return []
    return compareAgents(old, member).map((each) => ({
      ...each,
      about: `member ${member.id}: ${each.about}`,
    }))
  })
  return [...compareAgents(before.agent, after.agent), ...members]
}

function compareAgents(before: AgentVersion, after: AgentVersion): readonly Difference[] {
  const left = readEffective(before.config)
  const right = readEffective(after.config)
  const names = [...new Set([...left.keys(), ...right.keys()])]
  const settings = names.flatMap((about) => compareFacts(about, left, right))
  return [...settings, ...comparePrompts(before, after)]
}

function compareFacts(about: string, left: EffectiveConfig, right: EffectiveConfig): readonly Difference[] {
  const old = left.get(about)
  const now = right.get(about)
  if (old?.text === now?.text) return []
  const wasFallback = now?.otherwise === undefined ? undefined : left.get(now.otherwise)
  const isFallback = old?.otherwise === undefined ? undefined : right.get(old.otherwise)
  const widens = isWider(old ?? wasFallback, now ?? isFallback)
  const kind = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed'
  return [{ kind, about, before: old?.text ?? '', after: now?.text ?? '', widens }]
}

function isWider(old: EffectiveFact | undefined, now: EffectiveFact | undefined): boolean {
  const grew = (now?.reach ?? 0) > (old?.reach ?? 0)
  return grew || (old !== undefined && now?.isNewWhenChanged === true && old.text !== now.text)
}

function comparePrompts(before: AgentVersion, after: AgentVersion): readonly Difference[] {
  return compareLines(promptOf(before), promptOf(after)).map(({ kind, line }) => ({
    kind,
    about: 'system prompt',
    before: kind === 'removed' ? line : '',
    after: kind === 'added' ? line : '',
    widens: false,
  }))
}

const promptOf = ({ config }: AgentVersion): string =>
  typeof config['system'] === 'string' ? config['system'] : ''
