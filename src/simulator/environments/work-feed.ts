// Where work comes from: a session on a self-hosted environment is work when it is made, and again when it
// starts to run and no worker has it.

import type { World } from '../world.ts'

/** The announcements after which a session needs somebody to run its tools. */
const needingWorker: ReadonlySet<string> = new Set([
  'session.created',
  'session.pending',
  'session.running',
  'session.status_run_started',
  'session.requires_action',
])

/** Queues work for the sessions of self-hosted environments, as the world announces what happens to them. */
export function feedWork(world: World): void {
  world.onAnnounced(({ type, data }) => {
    const { id } = data
    const session = typeof id === 'string' && needingWorker.has(type) ? world.sessions.get(id) : undefined
    if (session === undefined || session.live.status === 'terminated') return
    const { id: sessionId, environmentId } = session.live
    const environment = world.environments.get(environmentId)?.item
    if (environment?.config.type === 'self_hosted') world.work.add(environmentId, sessionId)
  })
}
