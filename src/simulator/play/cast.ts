// Who plays in a session: the primary thread and the children by the names that a scenario calls them.

import { z } from 'zod'
import type { ModelConfig } from '../agents/agent-config.ts'
import { newId } from '../ids.ts'
import { type JsonObject, jsonObject } from '../json.ts'
import type { LiveSession, LiveThread, ThreadAgent } from '../sessions/live-session.ts'
import type { ChildThread, Scenario, Step } from './scenario.ts'

export type Cast = ReturnType<typeof createCast>

/** Events of the primary thread even where they name another one. */
const ofThePrimary: ReadonlySet<string> = new Set(['session.thread_created'])

const member = z.looseObject({
  type: z.literal('agent'),
  id: z.string(),
  version: z.number(),
  name: z.string(),
  description: z.string().nullable(),
  system: z.string().nullable(),
  model: z.object({
    id: z.string(),
    effort: z.object({ type: z.string() }),
    inference_geo: z.string().optional(),
    speed: z.enum(['standard', 'fast']),
  }),
  tools: z.array(jsonObject),
})
const roster = z.looseObject({
  agents: z.array(jsonObject).default([]),
  advisor: jsonObject.optional(),
  subagents: z.looseObject({ predefined_agents: z.array(jsonObject).default([]) }).optional(),
  workflows: z.looseObject({ predefined_agents: z.array(jsonObject).default([]) }).optional(),
})

type ModelFields = z.infer<typeof member>['model']
const modelConfig = ({ inference_geo, ...rest }: ModelFields): ModelConfig => ({
  ...rest,
  ...(inference_geo === undefined ? {} : { inference_geo }),
})

/** Everything the agent may call: members of either kind of `multiagent`, and advisors. */
function rosterOf(session: LiveSession): readonly JsonObject[] {
  const parsed = roster.safeParse(session.agent.multiagent)
  if (!parsed.success) return []
  const { agents, advisor, subagents, workflows } = parsed.data
  const lists = [agents, subagents?.predefined_agents ?? [], workflows?.predefined_agents ?? []]
  return [...lists.flat(), ...(advisor === undefined ? [] : [{ ...advisor, type: 'advisor' }])]
}

/** What a child thread runs: the roster's member of that name, else an agent made up from the scenario. */
function childAgent(session: LiveSession, child: ChildThread): ThreadAgent {
  const { multiagent: _, ...own } = session.agent
  const known = rosterOf(session)
  const named = member.safeParse(known.find((entry) => entry['name'] === child.agent_name))
  if (child.kind === 'agent' && named.success) {
    const { id, version, name, description, system, model, tools } = named.data
    return { ...own, id, version, name, description, system, tools, model: modelConfig(model) }
  }
  const advisor = known.find(({ type, model }) => type === 'advisor' && typeof model === 'string')?.['model']
  const configured = child.kind === 'advisor' && typeof advisor === 'string' ? advisor : undefined
  const model = configured ?? child.model ?? own.model.id
  return {
    ...own,
    id: newId('agent'),
    version: 1,
    name: child.agent_name,
    model: { ...own.model, id: model },
    description: null,
    system: null,
  }
}

/** The agent as the API shows it on a thread (SDK 1.12.0 `BetaManagedAgentsInlineAgent`, `BetaManagedAgentsAdvisor`). */
function shown(agent: ThreadAgent, kind: ChildThread['kind']): JsonObject {
  if (kind === 'advisor') return { type: 'advisor', model: agent.model.id }
  if (kind === 'agent') return agent
  const { id: _, version: __, type: ___, ...inline } = agent
  return { type: 'inline', ...inline }
}

/** The cast of one session: at first only its primary thread. */
export function createCast(session: LiveSession, scenario: Scenario) {
  const children = new Map<string, LiveThread>()
  const named = (name: string): LiveThread => children.get(name) ?? session.primary
  return {
    named,
    /** The thread whose work a step is: it stands still when that thread does. */
    actorOf: (step: Step): LiveThread => (ofThePrimary.has(step.type) ? session.primary : named(step.thread)),
    declared: (name: string): ChildThread | undefined => scenario.threads[name],
    /** Makes the thread of a name, anew when there was one before. Undefined for a name without a part. */
    join: (name: string, workflowRunId: string | undefined): LiveThread | undefined => {
      const child = scenario.threads[name]
      if (child === undefined) return undefined
      const agent = childAgent(session, child)
      const run = workflowRunId === undefined ? {} : { workflowRunId }
      const thread = session.addThread(agent, { ...run, shownAgent: shown(agent, child.kind) })
      children.set(name, thread)
      return thread
    },
  }
}
