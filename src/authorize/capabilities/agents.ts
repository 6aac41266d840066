// What an agent is made of and may therefore do: one reading for what a request saves, what it overrides for one
// session, and what a saved version holds.
import { addReference } from './agent-reference.ts'
import { type Fields, fieldsOf, isAbsent, listOf, textOf, wordOf } from './fields.ts'
import { addUnknown, asName, type Gathering } from './gathering.ts'
import { addIdentity, addModel } from './models.ts'
import { addMultiagent } from './multiagent.ts'
import { addServers, addTools } from './tools.ts'

/** The members of an agent that hand something out. */
export const agentNames: ReadonlySet<string> = new Set([
  ...['model', 'system', 'tools', 'mcp_servers', 'skills', 'multiagent', 'execution_identity'],
])
const skillNames = new Set(['type', 'skill_id', 'version'])

/** Every capability the definition holds; what is absent keeps its stored value, or is nothing. */
export function addDefinition(to: Gathering, agent: Fields, at: string): void {
  addModel(to, agent['model'], `${at}model`)
  const servers = addServers(to, agent['mcp_servers'], `${at}mcp_servers`)
  addTools(to, agent['tools'], `${at}tools`, servers)
  addSkills(to, agent['skills'], `${at}skills`)
  addMultiagent(to, agent['multiagent'], `${at}multiagent`, (also, member, here) =>
    addDefinition(also, fieldsOf(member, here, agentNames), `${here}.`),
  )
  addIdentity(to, agent['execution_identity'], `${at}execution_identity`)
}

/** agents.create and agents.update. */
export function addAgentBody(to: Gathering, body: unknown): void {
  addDefinition(to, fieldsOf(body, 'body', agentNames), '')
}

/** `agent` of a request that starts runs: its use, and for one with overrides everything they put in its place. */
export function addAgentOfRun(to: Gathering, agent: unknown, at: string): void {
  const { id, overrides, fields } = addReference(to, agent, at)
  const isOverriding = overrides.length > 0 || fields['type'] === 'agent_with_overrides'
  if (isOverriding) addOverride(to, id, overrides, fields, at)
}

/** Parts of an agent replaced for one session; `id` is `*` where the request does not say which agent's. */
export function addOverride(
  to: Gathering,
  id: string,
  overrides: readonly string[],
  fields: Fields,
  at: string,
): void {
  to.add('agent.override', 'agent', id)
  for (const field of overrides) to.add('override.set', 'field', asName(field))
  addDefinition(to, fields, `${at}.`)
}

/** `skills` of an agent, and of a container that messages run in. */
export function addSkills(to: Gathering, skills: unknown, at: string): void {
  if (isAbsent(skills)) return
  for (const [index, skill] of listOf(skills, at).entries()) {
    const here = `${at}.${index}`
    const fields = fieldsOf(skill, here, skillNames)
    const type = wordOf(fields['type'], `${here}.type`)
    if (type !== 'anthropic' && type !== 'custom') addUnknown(to, 'skills.type', type)
    const id = asName(wordOf(fields['skill_id'], `${here}.skill_id`))
    const version = isAbsent(fields['version']) ? 'latest' : textOf(fields['version'], `${here}.version`)
    to.add('skill.use', 'skill', `${id}@${asName(version)}`)
    if (version === 'latest') to.add('skill.float', 'skill', id)
  }
}
