// A deployment as the simulator keeps it, and as the API shows it (SDK 1.12.0 resources/beta/deployments).

import type { z } from 'zod'
import type { JsonObject } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { Budget } from '../sessions/session-budget.ts'
import type { resourcesParams } from '../sessions/session-resources.ts'
import type { CronSchedule } from './cron.ts'

/** An agent, always with its version. */
export type AgentPin = { readonly type: 'agent'; readonly id: string; readonly version: number }

/** When a deployment fires by itself. */
export type DeploymentSchedule = {
  readonly expression: string
  readonly timezone: string
  readonly cron: CronSchedule
}

type ResourceParams = z.infer<typeof resourcesParams>[number]

/** What clients may set. Write-only credentials are in `resources` and are not shown. */
export type DeploymentConfig = {
  readonly agent: AgentPin
  readonly budget: Budget | null
  readonly description: string | null
  readonly environmentId: string
  readonly initialEvents: readonly JsonObject[]
  readonly metadata: Readonly<Record<string, string>>
  readonly name: string
  readonly resources: readonly ResourceParams[]
  readonly schedule: DeploymentSchedule | null
  readonly vaultIds: readonly string[]
}

/** Why a deployment is paused: somebody asked for it, or a scheduled fire failed for a reason that will stay. */
export type PausedReason =
  | { readonly type: 'manual' }
  | { readonly type: 'error'; readonly error: { readonly type: string } }

/** A deployment. What changes while it lives is not readonly. */
export type DeploymentRecord = {
  readonly order: number
  readonly id: string
  readonly createdAtMs: number
  config: DeploymentConfig
  updatedAtMs: number
  archivedAtMs: number | null
  pausedReason: PausedReason | null
  lastRunAtMs: number | null
}

const upcomingMax = 5

/** The next fires of a schedule, before jitter. */
function upcomingFires({ cron }: DeploymentSchedule, nowMs: number): readonly string[] {
  const fires: string[] = []
  let at = cron.nextFire(nowMs)
  while (at !== null && fires.length < upcomingMax) {
    fires.push(timestamp(at))
    at = cron.nextFire(at)
  }
  return fires
}

function withoutToken(resource: ResourceParams) {
  if (resource.type !== 'github_repository') return resource
  const { authorization_token: _, ...shown } = resource
  return shown
}

/** A deployment as the API answers it at `nowMs`. */
export function deploymentView(record: DeploymentRecord, nowMs: number) {
  const { config, archivedAtMs, pausedReason, lastRunAtMs } = record
  const { schedule } = config
  return {
    id: record.id,
    type: 'deployment',
    name: config.name,
    description: config.description,
    agent: config.agent,
    environment_id: config.environmentId,
    initial_events: config.initialEvents,
    resources: config.resources.map(withoutToken),
    vault_ids: config.vaultIds,
    metadata: config.metadata,
    schedule: schedule && {
      type: 'cron',
      expression: schedule.expression,
      timezone: schedule.timezone,
      last_run_at: lastRunAtMs === null ? null : timestamp(lastRunAtMs),
      upcoming_runs_at: archivedAtMs === null ? upcomingFires(schedule, nowMs) : [],
    },
    status: pausedReason === null ? 'active' : 'paused',
    paused_reason: pausedReason,
    ...(config.budget === null ? {} : { budget: config.budget }),
    created_at: timestamp(record.createdAtMs),
    updated_at: timestamp(record.updatedAtMs),
    archived_at: archivedAtMs === null ? null : timestamp(archivedAtMs),
  }
}
