// The routes of /v1/deployments: an agent with all it needs to run by itself, by hand or by the clock.

import { invalidRequest, notFound } from '../http/api-error.ts'
import { type Placed, paginateForward } from '../http/page.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { isWithin } from '../http/time-filter.ts'
import { newId } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import {
  archive,
  changeable,
  checkRoom,
  type Deployment,
  pause,
  rearm,
  unpause,
  update,
} from './deployment-changes.ts'
import { readCreate } from './deployment-params.ts'
import { type DeploymentRecord, deploymentView } from './deployment-record.ts'
import { type DeploymentRun, deploymentRunRoutes, queryChoice, runDeployment } from './deployment-runs.ts'
import { isPausing } from './run-error.ts'
import { createScheduleTimer } from './schedule-timer.ts'

type Deployments = {
  readonly routes: readonly Route[]
  /** Calls every timer off. */
  readonly stop: () => void
}

/** Every deployment and run over `world`, with their routes and timers. Archives those of an archived agent. */
export function createDeployments(world: World): Deployments {
  const all = new Map<string, Deployment>()
  const runs: Placed<DeploymentRun>[] = []
  const book = { world, all, runs }
  world.onAnnounced(({ type, data }) => {
    if (type !== 'agent.archived') return
    for (const each of all.values()) if (each.record.config.agent.id === data['id']) archive(world, each)
  })
  const access = 'managed-agents'
  const one = '/v1/deployments/:id'
  const show = ({ record }: Deployment) => json(deploymentView(record, world.clock.nowMs()))
  const found = (request: ApiRequest): Deployment => find(book, request.param('id'))
  return {
    routes: [
      { method: 'POST', pattern: '/v1/deployments', access, run: (r) => show(create(book, r.body)) },
      { method: 'GET', pattern: '/v1/deployments', access, run: (r) => json(list(book, r)) },
      { method: 'GET', pattern: one, access, run: (r) => show(found(r)) },
      {
        method: 'POST',
        pattern: one,
        access,
        run: (r) => show(update(world, all.values(), found(r), r.body)),
      },
      { method: 'POST', pattern: `${one}/archive`, access, run: (r) => show(archive(world, found(r))) },
      {
        method: 'POST',
        pattern: `${one}/pause`,
        access,
        run: (r) => show(pause(world, changeable(found(r)), { type: 'manual' })),
      },
      {
        method: 'POST',
        pattern: `${one}/unpause`,
        access,
        run: (r) => show(unpause(world, changeable(found(r)))),
      },
      {
        method: 'POST',
        pattern: `${one}/run`,
        access,
        run: (r) => json(runDeployment(world, runs, changeable(found(r)).record, { type: 'manual' })),
      },
      ...deploymentRunRoutes(runs),
    ],
    stop: () => {
      for (const { record, timer } of all.values()) timer.arm(record.config.name, null)
    },
  }
}

type Book = {
  readonly world: World
  readonly all: Map<string, Deployment>
  readonly runs: Placed<DeploymentRun>[]
}

function find({ all }: Book, id: string): Deployment {
  const found = all.get(id)
  if (found === undefined) throw notFound(`deployment \`${id}\` not found`)
  return found
}

function create(book: Book, body: unknown): Deployment {
  const { world, all } = book
  const config = readCreate(world, body)
  checkRoom(all.values(), config.schedule)
  const nowMs = world.clock.nowMs()
  const record: DeploymentRecord = {
    order: world.nextOrder(),
    id: newId('depl'),
    createdAtMs: nowMs,
    config,
    updatedAtMs: nowMs,
    archivedAtMs: null,
    pausedReason: null,
    lastRunAtMs: null,
  }
  const timer = createScheduleTimer(world.clock, (scheduledAtMs) => fire(book, deployment, scheduledAtMs))
  const deployment: Deployment = { record, timer }
  all.set(record.id, deployment)
  rearm(deployment)
  world.announce('deployment.created', { id: record.id })
  return deployment
}

/** A scheduled run: a failure that would happen again pauses the deployment. */
function fire({ world, runs }: Book, deployment: Deployment, scheduledAtMs: number): void {
  const { record } = deployment
  record.lastRunAtMs = world.clock.nowMs()
  const trigger = { type: 'schedule', scheduled_at: timestamp(scheduledAtMs) } as const
  const { error } = runDeployment(world, runs, record, trigger)
  if (error !== null && isPausing(error)) {
    pause(world, deployment, { type: 'error', error: { type: error.type } })
  }
}

function list({ world, all }: Book, { query }: ApiRequest) {
  const agentId = query.get('agent_id')
  const status = queryChoice(query, 'status', ['active', 'paused'])
  const isArchivedToo = queryChoice(query, 'include_archived', ['true', 'false']) === 'true'
  if (status !== null && isArchivedToo) throw invalidRequest('status: cannot be used with `include_archived`')
  const items = [...all.values()].filter(
    ({ record }) =>
      (isArchivedToo || record.archivedAtMs === null) &&
      (agentId === null || record.config.agent.id === agentId) &&
      (status === null || (record.pausedReason === null ? 'active' : 'paused') === status) &&
      isWithin(query, 'created_at', timestamp(record.createdAtMs)),
  )
  const page = paginateForward(
    items.map(({ record }) => ({ order: record.order, item: record })),
    query,
    'desc',
  )
  return { ...page, data: page.data.map((record) => deploymentView(record, world.clock.nowMs())) }
}
