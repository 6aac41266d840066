// One execution of a deployment: a session, or the reason why there is none. Kept for ever, never changed
// (SDK 1.12.0 resources/beta/deployment-runs).

import { invalidRequest, notFound } from '../http/api-error.ts'
import { type Placed, paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { newId } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'
import { createSession, scenarioKey } from '../sessions/session-create.ts'
import type { World } from '../world.ts'
import type { AgentPin, DeploymentRecord } from './deployment-record.ts'
import { explainRefusal, findObstacle, type RunError } from './run-error.ts'

type Trigger = { readonly type: 'manual' } | { readonly type: 'schedule'; readonly scheduled_at: string }

/** A run as the API shows it: exactly one of `session_id` and `error` is set. */
export type DeploymentRun = {
  readonly id: string
  readonly type: 'deployment_run'
  readonly deployment_id: string
  readonly agent: AgentPin
  readonly trigger_context: Trigger
  readonly session_id: string | null
  readonly error: RunError | null
  readonly created_at: string
}

/** The id of the new session. Throws what `createSession` throws. */
function startSession(world: World, { id, config }: DeploymentRecord): string {
  // The name of a scenario is the simulator's own business; the API does not hand a deployment's metadata on.
  const scenario = config.metadata[scenarioKey]
  const body = {
    agent: config.agent,
    environment_id: config.environmentId,
    ...(config.budget === null ? {} : { budget: config.budget }),
    initial_events: config.initialEvents,
    resources: config.resources,
    vault_ids: config.vaultIds,
    metadata: scenario === undefined ? {} : { [scenarioKey]: scenario },
  }
  return createSession(world, body, { deploymentId: id }).live.id
}

function attempt(world: World, record: DeploymentRecord): Pick<DeploymentRun, 'session_id' | 'error'> {
  const obstacle = findObstacle(world, record.config)
  if (obstacle !== null) return { session_id: null, error: obstacle }
  try {
    return { session_id: startSession(world, record), error: null }
  } catch (error) {
    return { session_id: null, error: explainRefusal(error) }
  }
}

/** Executes the deployment now, keeps the run and answers it. Only scheduled runs are announced. */
export function runDeployment(
  world: World,
  runs: Placed<DeploymentRun>[],
  record: DeploymentRecord,
  trigger: Trigger,
): DeploymentRun {
  const id = newId('drun')
  const announce = (outcome: 'started' | 'succeeded' | 'failed'): void => {
    if (trigger.type === 'schedule') world.announce(`deployment_run.${outcome}`, { id })
  }
  announce('started')
  const run: DeploymentRun = {
    id,
    type: 'deployment_run',
    deployment_id: record.id,
    agent: record.config.agent,
    trigger_context: trigger,
    ...attempt(world, record),
    created_at: timestamp(world.clock.nowMs()),
  }
  runs.push({ order: world.nextOrder(), item: run })
  announce(run.error === null ? 'succeeded' : 'failed')
  return run
}

/** The value of a query parameter among those it may have. Throws a 400 for another; null when absent. */
export function queryChoice<T extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly T[],
): T | null {
  const text = query.get(name)
  if (text === null) return null
  const choice = choices.find((each) => each === text)
  if (choice === undefined) throw invalidRequest(`${name}: must be \`${choices.join('` or `')}\``)
  return choice
}

function listRuns(runs: readonly Placed<DeploymentRun>[], { query }: ApiRequest) {
  const hasError = queryChoice(query, 'has_error', ['true', 'false'])
  const trigger = queryChoice(query, 'trigger_type', ['schedule', 'manual'])
  const deploymentId = query.get('deployment_id')
  const items = runs.filter(
    ({ item }) =>
      (deploymentId === null || item.deployment_id === deploymentId) &&
      (hasError === null || String(item.error !== null) === hasError) &&
      (trigger === null || item.trigger_context.type === trigger) &&
      isWithin(query, 'created_at', item.created_at),
  )
  return paginateForward(items, query, 'desc')
}

function retrieveRun(runs: readonly Placed<DeploymentRun>[], id: string): DeploymentRun {
  const found = runs.find(({ item }) => item.id === id)
  if (found === undefined) throw notFound(`deployment run \`${id}\` not found`)
  return found.item
}

/** The routes that read runs. */
export function deploymentRunRoutes(runs: readonly Placed<DeploymentRun>[]): readonly Route[] {
  const access = 'managed-agents'
  return [
    { method: 'GET', pattern: '/v1/deployment_runs', access, run: (r) => json(listRuns(runs, r)) },
    {
      method: 'GET',
      pattern: '/v1/deployment_runs/:id',
      access,
      run: (r) => json(retrieveRun(runs, r.param('id'))),
    },
  ]
}
