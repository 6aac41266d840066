// What the watcher makes of an event or an object that somebody saw: nothing, a later check, or a look.
import type { Sighting } from '../tap/sighting.ts'
import type { Schedule } from './schedule.ts'
import { isAtWork } from './state-key.ts'
import { feedOf, type Watched } from './watched.ts'

/** Events that come together cause one look. */
const gatherMs = 200
/** How often rest is checked again when the object still says running. */
const restChecksMax = 5

/**
 * Edges of a session's status, and what makes a child thread; not what a client lists, which has been. The others
 * change nothing here.
 */
export function concernsWatch(sighting: Sighting): boolean {
  if (sighting.about === 'session') return isAtWork(sighting.status)
  return (
    sighting.about === 'event' &&
    sighting.source !== 'list' &&
    /^session\.(status_|deleted$|thread_(created|status_))/.test(sighting.type)
  )
}

/** Takes one of those into account. */
export function react(schedule: Schedule, session: Watched, sighting: Sighting): void {
  if (sighting.about === 'session') {
    // Known to run already: the checks go on.
    if (!isAtWork(session.status)) schedule.want(session, 0)
    return
  }
  if (sighting.about !== 'event') return
  switch (sighting.type) {
    case 'session.status_running':
    case 'session.status_rescheduled':
      session.status = 'running'
      session.restChecks = 0
      if (feedOf(session, '').gap) schedule.want(session, 0)
      else schedule.checkLater(session)
      return
    case 'session.status_idle':
    case 'session.status_terminated':
      session.restChecks = restChecksMax
      schedule.want(session, gatherMs)
      return
    case 'session.deleted':
      schedule.want(session, 0)
      return
    case 'session.thread_created':
      session.mayHaveChildren = true
      schedule.want(session, gatherMs)
      return
    case 'session.thread_status_running':
      // A child that works again; the primary is not among the threads.
      if (session.threads.has(sighting.about_thread_id) && !session.feeds.has(sighting.about_thread_id))
        schedule.want(session, gatherMs)
  }
}
