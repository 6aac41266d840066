// Whom an agent may start: rosters, inline agents, workflows, an advisor. What null and omission turn on is what the
// SDK says of them (1.12.0 `BetaManagedAgentsMultiagent20261001Params`): all but the advisor is on unless it is said off.
import { addReference } from './agent-reference.ts'
import { type Fields, fieldsOf, isAbsent, isObject, listOf, wordOf } from './fields.ts'
import { addUnknown, type Gathering } from './gathering.ts'
import { modelName } from './models.ts'

const multiagentNames = new Set(['type', 'agents', 'advisor', 'subagents', 'workflows'])
const memberNames = new Set(['type', 'id', 'version', 'model'])
const partNames = new Set(['type', 'inline_agents', 'predefined_agents', 'model'])
const switchNames = new Set(['type'])

/** A whole agent in place of a reference, as a session holds them. */
export type AddDefinition = (to: Gathering, agent: Fields, at: string) => void

/**
 * `multiagent` of an agent; null or absent is an agent without. On an update a part that is left out keeps what is
 * stored, which only the upstream knows: it is judged as its default, so whoever means `disabled` must write it.
 */
export function addMultiagent(to: Gathering, value: unknown, at: string, addDefinition: AddDefinition): void {
  if (isAbsent(value)) return
  const fields = fieldsOf(value, at, multiagentNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (type === 'coordinator') {
    to.add('subagent.spawn', 'multiagent', 'coordinator')
    addMembers(to, fields['agents'], `${at}.agents`, addDefinition)
    return
  }
  if (type !== 'multiagent_20261001') addUnknown(to, 'multiagent.type', type)
  addPart(to, 'subagents', fields['subagents'], `${at}.subagents`, addDefinition)
  addPart(to, 'workflows', fields['workflows'], `${at}.workflows`, addDefinition)
  addAdvisor(to, fields['advisor'], `${at}.advisor`)
  // Not a member of this type: read all the same, in case somebody does.
  addMembers(to, fields['agents'], `${at}.agents`, addDefinition)
}

function addPart(
  to: Gathering,
  part: 'subagents' | 'workflows',
  value: unknown,
  at: string,
  addDefinition: AddDefinition,
): void {
  const fields = isAbsent(value) ? {} : fieldsOf(value, at, partNames)
  const type = isAbsent(value) ? 'enabled' : wordOf(fields['type'], `${at}.type`)
  if (type === 'disabled') return
  if (type !== 'enabled') addUnknown(to, `multiagent.${part}.type`, type)
  if (part === 'workflows') to.add('workflow.run', 'multiagent', part)
  else to.add('subagent.spawn', 'multiagent', part)
  if (isOn(to, fields['inline_agents'], `${at}.inline_agents`)) to.add('subagent.inline', 'multiagent', part)
  addMembers(to, fields['predefined_agents'], `${at}.predefined_agents`, addDefinition)
}

function isOn(to: Gathering, value: unknown, at: string): boolean {
  if (isAbsent(value)) return true
  const type = wordOf(fieldsOf(value, at, switchNames)['type'], `${at}.type`)
  if (type !== 'enabled' && type !== 'disabled') addUnknown(to, 'multiagent.inline_agents.type', type)
  return type !== 'disabled'
}

function addAdvisor(to: Gathering, value: unknown, at: string): void {
  if (isAbsent(value)) return
  const fields = fieldsOf(value, at, partNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (type === 'disabled') return
  if (type !== 'enabled') addUnknown(to, 'multiagent.advisor.type', type)
  if (type === 'enabled' || !isAbsent(fields['model'])) {
    to.add('model.use', 'model', modelName(fields['model'], `${at}.model`))
  }
}

function addMembers(to: Gathering, members: unknown, at: string, addDefinition: AddDefinition): void {
  if (isAbsent(members)) return
  for (const [index, member] of listOf(members, at).entries()) {
    const here = `${at}.${index}`
    if (!isObject(member)) {
      addReference(to, member, here)
      continue
    }
    const fields = fieldsOf(member, here, memberNames)
    const type = wordOf(fields['type'], `${here}.type`)
    // The agent itself: what it may do is judged already.
    if (type === 'self') continue
    if (type === 'advisor') to.add('model.use', 'model', modelName(fields['model'], `${here}.model`))
    else if (type === 'agent') {
      addReference(to, member, here)
      if (!isAbsent(fields['model'])) addDefinition(to, fields, here)
    } else {
      addUnknown(to, 'multiagent.agents.type', type)
      // Whatever it is: the agent that it names must be one that may be used.
      if (!isAbsent(fields['id'])) addReference(to, { ...fields, type: 'agent' }, here)
    }
  }
}
