// Agents, environments and the self-hosted work queue (SDK 1.12.0 resources/beta/agents, environments).
import type { Operation } from '../operation-type.ts'
import { rowsOf } from './row.ts'

const agent = rowsOf('agent')
const environment = rowsOf('environment')
const work = rowsOf('work')

/** Everything that defines what runs, where, and who fetches the work. */
export const agentOperations: readonly Operation[] = [
  agent.post('agents.create', '/v1/agents', 'create'),
  agent.read('agents.list', '/v1/agents'),
  agent.read('agents.retrieve', '/v1/agents/:agent_id', 'agent_id'),
  agent.post('agents.update', '/v1/agents/:agent_id', 'update', { on: 'agent_id' }),
  agent.post('agents.archive', '/v1/agents/:agent_id/archive', 'archive', { on: 'agent_id', body: 'none' }),
  agent.read('agents.versions.list', '/v1/agents/:agent_id/versions', 'agent_id'),

  environment.post('environments.create', '/v1/environments', 'create'),
  environment.read('environments.list', '/v1/environments'),
  environment.read('environments.retrieve', '/v1/environments/:environment_id', 'environment_id'),
  environment.post('environments.update', '/v1/environments/:environment_id', 'update', {
    on: 'environment_id',
  }),
  environment.remove('environments.delete', '/v1/environments/:environment_id', 'environment_id'),
  environment.post('environments.archive', '/v1/environments/:environment_id/archive', 'archive', {
    on: 'environment_id',
    body: 'none',
  }),

  work.read('environments.work.list', '/v1/environments/:environment_id/work'),
  work.read('environments.work.stats', '/v1/environments/:environment_id/work/stats'),
  // A poll claims the item it returns, and its answer carries a session credential: not a plain read.
  {
    id: 'environments.work.poll',
    method: 'GET',
    pattern: '/v1/environments/:environment_id/work/poll',
    action: 'work.poll',
    resource: 'work',
    mutates: true,
    body: 'none',
    answer: 'json',
  },
  work.read('environments.work.retrieve', '/v1/environments/:environment_id/work/:work_id', 'work_id'),
  work.post('environments.work.update', '/v1/environments/:environment_id/work/:work_id', 'update', {
    on: 'work_id',
  }),
  work.post('environments.work.ack', '/v1/environments/:environment_id/work/:work_id/ack', 'ack', {
    on: 'work_id',
    body: 'none',
  }),
  work.post(
    'environments.work.heartbeat',
    '/v1/environments/:environment_id/work/:work_id/heartbeat',
    'heartbeat',
    { on: 'work_id', body: 'none' },
  ),
  work.post('environments.work.stop', '/v1/environments/:environment_id/work/:work_id/stop', 'stop', {
    on: 'work_id',
  }),
]
