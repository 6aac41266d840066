// What makes the upstream start runs by itself: deployments, their runs, dreams
// (SDK 1.12.0 resources/beta/deployments, deployment-runs, dreams).
import type { Operation } from '../operation-type.ts'
import { rowsOf } from './row.ts'

const deployment = rowsOf('deployment')
const run = rowsOf('deployment_run')
const dream = rowsOf('dream')

const onDeployment = { on: 'deployment_id', body: 'none' } as const
const onDream = { on: 'dream_id', body: 'none' } as const

/** Runs that no client asks for at the moment they start. */
export const deploymentOperations: readonly Operation[] = [
  deployment.post('deployments.create', '/v1/deployments', 'create'),
  deployment.read('deployments.list', '/v1/deployments'),
  deployment.read('deployments.retrieve', '/v1/deployments/:deployment_id', 'deployment_id'),
  deployment.post('deployments.update', '/v1/deployments/:deployment_id', 'update', { on: 'deployment_id' }),
  deployment.post('deployments.archive', '/v1/deployments/:deployment_id/archive', 'archive', onDeployment),
  deployment.post('deployments.pause', '/v1/deployments/:deployment_id/pause', 'pause', onDeployment),
  deployment.post('deployments.unpause', '/v1/deployments/:deployment_id/unpause', 'unpause', onDeployment),
  // Creates a session at once, even while paused.
  deployment.post('deployments.run', '/v1/deployments/:deployment_id/run', 'run', onDeployment),

  run.read('deployment_runs.list', '/v1/deployment_runs'),
  run.read('deployment_runs.retrieve', '/v1/deployment_runs/:deployment_run_id', 'deployment_run_id'),

  dream.post('dreams.create', '/v1/dreams', 'create'),
  dream.read('dreams.list', '/v1/dreams'),
  dream.read('dreams.retrieve', '/v1/dreams/:dream_id', 'dream_id'),
  dream.post('dreams.archive', '/v1/dreams/:dream_id/archive', 'archive', onDream),
  dream.post('dreams.cancel', '/v1/dreams/:dream_id/cancel', 'cancel', onDream),
]
