// What we change upstream by ourselves, with the credential that serves the team: a session that runs what nobody pinned is
// interrupted and archived, one whose budget is used up is interrupted.
import { setTimeout as wait } from 'node:timers/promises'
import { memberOf } from '../kernel/own-member.ts'
import type { Pools } from './pools.ts'
import { createReadUpstream } from './read-upstream.ts'

export type StopSessionDeps = {
  /** Where a team's requests go, and with which credential. */
  readonly route: (team: string) => { readonly pools: Pools; readonly authorization: string }
  /** Between two tries to archive; an interrupt takes a moment. Default 250. */
  readonly intervalMs?: number
}

const timeoutMs = 10_000
const apiVersion = '2026-10-21'
const beta = 'managed-agents-2026-04-01'
/** A session that still runs cannot be archived. */
const triesMax = 20
const plainId = /^[A-Za-z0-9_-]{1,128}$/

/**
 * Makes the stop: an interrupt, then an archive, tried up to 20 times. Resolves when the session is archived, deleted or
 * was never there. Rejects when the upstream does not say so, or cannot be asked.
 */
export function createStopSession({
  route,
  intervalMs = 250,
}: StopSessionDeps): (team: string, sessionId: string) => Promise<void> {
  return async (team, sessionId) => {
    const post = postTo(route, team, sessionId)
    for (let tries = 1; tries <= triesMax; tries += 1) {
      // Again each time: what was queued may have begun to run since.
      await post('/events', interruptBody).catch(() => 0)
      const status = await post('/archive', null).catch(() => 0)
      if ((status >= 200 && status < 300) || status === 404) return
      if (status === 401 || status === 403) break
      await wait(intervalMs)
    }
    throw new Error('the session could not be archived')
  }
}

/**
 * Makes the interrupt alone: what the session works on ends, on all its threads, and it can go on later. One that is over
 * needs none. Rejects when the upstream does not take it.
 */
export function createInterruptSession({
  route,
}: Pick<StopSessionDeps, 'route'>): (team: string, sessionId: string) => Promise<void> {
  return async (team, sessionId) => {
    const status = await postTo(route, team, sessionId)('/events', interruptBody)
    if (status >= 200 && status < 300) return
    const canBeOver = status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429
    if (canBeOver && (await isOver(route, team, sessionId))) return
    throw new Error(`the upstream answered the interrupt with ${status}`)
  }
}

/** Makes the pause of a deployment: it starts no run until somebody unpauses it. Rejects when the upstream does not take it. */
export function createPauseDeployment({
  route,
}: Pick<StopSessionDeps, 'route'>): (team: string, deploymentId: string) => Promise<void> {
  return async (team, deploymentId) => {
    const status = await postTo(route, team, deploymentId, 'deployments')('/pause', null)
    if (status < 200 || status > 299) throw new Error(`the upstream answered the pause with ${status}`)
  }
}

const interruptBody = '{"events":[{"type":"user.interrupt"}]}'

/** Archived, terminated, or not there. */
async function isOver(route: StopSessionDeps['route'], team: string, sessionId: string): Promise<boolean> {
  const { status, body } = await createReadUpstream({ route })(team, `/v1/sessions/${sessionId}`, [beta])
  if (status === 404) return true
  return (
    status === 200 &&
    (typeof memberOf(body, 'archived_at') === 'string' || memberOf(body, 'status') === 'terminated')
  )
}

/** POSTs below an object and answers the status. Throws for what is no id. */
function postTo(route: StopSessionDeps['route'], team: string, id: string, objects = 'sessions') {
  if (!plainId.test(id)) throw new Error('what is to be stopped has no id of a session or deployment')
  const { pools, authorization } = route(team)
  return async (path: string, body: string | null): Promise<number> => {
    const answer = await pools.api.request({
      path: `/v1/${objects}/${id}${path}`,
      method: 'POST',
      headers: {
        authorization,
        accept: 'application/json',
        'anthropic-version': apiVersion,
        'anthropic-beta': beta,
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === null ? {} : { body }),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer.body.dump()
    return answer.statusCode
  }
}
