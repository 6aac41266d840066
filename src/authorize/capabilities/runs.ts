// What starts runs or changes one that runs: sessions and deployments (SDK 1.12.0 resources/beta/sessions, deployments).
import { addAgentOfRun, addOverride } from './agents.ts'
import { addEvents, type ToolNameOf } from './events.ts'
import { type Fields, fieldsOf, idOf, isAbsent, isObject, listOf, wordOf } from './fields.ts'
import { addUnknown, type Gathering } from './gathering.ts'
import { addResources } from './resources.ts'

const runNames = new Set([
  ...['agent', 'environment_id', 'vault_ids', 'resources', 'initial_events', 'budget', 'schedule'],
])
const updateNames = new Set(['agent', 'vault_ids', 'budget', 'resources', 'environment_id', 'initial_events'])
const overrideNames = new Set(['tools', 'mcp_servers', 'model', 'system', 'skills', 'multiagent'])
const budgetNames = new Set(['type', 'max_list_cost'])
const sendNames = new Set(['events'])

/** sessions.create. */
export function addSession(to: Gathering, body: unknown): void {
  const fields = fieldsOf(body, 'body', runNames)
  addRun(to, fields)
  addBudgetOfNew(to, fields['budget'])
}

/** deployments.create: as a session, again and again. */
export function addDeployment(to: Gathering, body: unknown, id: string): void {
  const fields = fieldsOf(body, 'body', runNames)
  addRun(to, fields)
  addBudgetOfNew(to, fields['budget'])
  addSchedule(to, fields['schedule'], id)
}

/** deployments.update: what is left out keeps what was judged when it was written. */
export function addDeploymentUpdate(to: Gathering, body: unknown, id: string): void {
  const fields = fieldsOf(body, 'body', runNames)
  addRun(to, fields)
  addBudgetChange(to, fields['budget'])
  addSchedule(to, fields['schedule'], id)
}

/** sessions.update: tools and MCP servers replace those of its agent; which agent that is, only the upstream knows. */
export function addSessionUpdate(to: Gathering, body: unknown): void {
  const fields = fieldsOf(body, 'body', updateNames)
  const { agent } = fields
  if (isObject(agent)) {
    addOverride(to, '*', Object.keys(agent), fieldsOf(agent, 'agent', overrideNames), 'agent')
    // No such member today; what it would name must be one that may be used.
    if (!isAbsent(agent['id'])) to.add('agent.use', 'agent', idOf(agent['id'], 'agent.id'))
  } else if (agent !== undefined) {
    // In no form the upstream has today.
    to.add('agent.override', 'agent', '*')
    if (agent !== null) addAgentOfRun(to, agent, 'agent')
  }
  addRun(to, { ...fields, agent: undefined })
  addBudgetChange(to, fields['budget'])
}

/** sessions.events.send. */
export function addSentEvents(to: Gathering, body: unknown, toolNameOf?: ToolNameOf): void {
  addEvents(to, fieldsOf(body, 'body', sendNames)['events'], 'events', toolNameOf)
}

function addRun(to: Gathering, fields: Fields): void {
  const { agent, environment_id, vault_ids, resources, initial_events } = fields
  if (!isAbsent(agent)) addAgentOfRun(to, agent, 'agent')
  if (!isAbsent(environment_id)) {
    to.add('environment.use', 'environment', idOf(environment_id, 'environment_id'))
  }
  if (!isAbsent(vault_ids)) {
    for (const [index, id] of listOf(vault_ids, 'vault_ids').entries()) {
      to.add('vault.use', 'vault', idOf(id, `vault_ids.${index}`))
    }
  }
  addResources(to, resources, 'resources')
  addEvents(to, initial_events, 'initial_events')
}

function addBudgetOfNew(to: Gathering, budget: unknown): void {
  to.add('session.budget', 'budget', hasLimit(to, budget) ? 'set' : 'none')
}

/** Null takes the limit away; raising one lets a stopped session go on, so both are asked for. */
function addBudgetChange(to: Gathering, budget: unknown): void {
  if (budget === undefined) return
  to.add('session.budget', 'budget', hasLimit(to, budget) ? 'changed' : 'removed')
}

function hasLimit(to: Gathering, budget: unknown): boolean {
  if (isAbsent(budget)) return false
  const type = wordOf(fieldsOf(budget, 'budget', budgetNames)['type'], 'budget.type')
  if (type !== 'limit') addUnknown(to, 'budget.type', type)
  return true
}

function addSchedule(to: Gathering, schedule: unknown, id: string): void {
  if (!isAbsent(schedule)) to.add('deployment.schedule', 'deployment', id)
}
