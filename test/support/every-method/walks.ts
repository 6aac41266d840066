// All walks by name, and the methods that there are, read off the SDK's client itself.
import type Anthropic from '@anthropic-ai/sdk'
import { isResource } from '../sdk/watched-client.ts'
import { walkAgents, walkEnvironments, walkWork } from './agents-walk.ts'
import { walkDeployments, walkDreams } from './deployments-walk.ts'
import { walkFiles, walkModels, walkSkills, walkUserProfiles } from './library-walk.ts'
import { walkBatches, walkBetaMessages, walkConversations, walkMessages } from './messages-walk.ts'
import { walkSessionResources, walkSessions } from './sessions-walk.ts'
import type { Stage } from './stage.ts'
import { walkMemoryStores, walkVaults } from './stores-walk.ts'
import { walkTunnels } from './tunnels-walk.ts'

/** One for each family of methods; scenarios, `walkEvents`, are apart. */
export const walks: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  agents: walkAgents,
  environments: walkEnvironments,
  work: walkWork,
  sessions: walkSessions,
  'session resources': walkSessionResources,
  deployments: walkDeployments,
  dreams: walkDreams,
  vaults: walkVaults,
  'memory stores': walkMemoryStores,
  files: walkFiles,
  skills: walkSkills,
  models: walkModels,
  'user profiles': walkUserProfiles,
  messages: walkMessages,
  'beta messages': walkBetaMessages,
  conversations: walkConversations,
  batches: walkBatches,
  tunnels: walkTunnels,
}

/** Runs a walk and answers where something it was answered is not what the SDK declares. */
export async function misfitsOfWalk(
  stage: Stage,
  walk: (stage: Stage) => Promise<void>,
): Promise<readonly string[]> {
  const from = stage.watch.misfits.length
  await walk(stage)
  await stage.watch.settled()
  return [...new Set(stage.watch.misfits.slice(from))]
}

/** Methods that no walk calls, with the reason. */
export const uncalled: Readonly<Record<string, string>> = {
  'beta.messages._toolRunnerThread': 'internal to the SDK, not in its declarations',
  'beta.environments.work.poller': 'loops over poll, ack and stop; test/simulator/work.test.ts runs it',
  'beta.environments.work.worker':
    'loops over the work and event methods; test/simulator/work.test.ts runs it',
  'beta.sessions.events.toolRunner': 'loops over stream, list and send; test/simulator/work.test.ts runs it',
}

/** Families that are administration of the organization, not of managed agents. */
const leftOut = new Set(['organization', 'beta.organization'])

/** Every method of every family of the client, as `beta.sessions.events.list`. */
export function methodsOf(client: Anthropic): readonly string[] {
  return familiesOf(client, []).flatMap(([path, family]) =>
    ownMethods(family).map((name) => [...path, name].join('.')),
  )
}

type Family = readonly [path: readonly string[], family: object]

function familiesOf(parent: object, path: readonly string[]): readonly Family[] {
  return Object.entries(parent).flatMap(([key, value]: [string, unknown]): readonly Family[] => {
    const inner = [...path, key]
    if (!isResource(value) || leftOut.has(inner.join('.'))) return []
    return [[inner, value], ...familiesOf(value, inner)]
  })
}

/** Functions of the object and of its class, its parents' included. */
function ownMethods(family: object): readonly string[] {
  const names = new Set<string>()
  for (
    let at: unknown = family;
    at instanceof Object && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const isMethod = name !== 'constructor' && typeof Reflect.get(family, name) === 'function'
      if (isMethod) names.add(name)
    }
  }
  return [...names]
}
