// The events of a session as the ledger keeps them, out of the records of a watched world.
import type { SessionEventRow } from '../../src/ledger/session-rows.ts'
import { project } from '../../src/meter/project.ts'
import type { WatchedWorld } from './watched-world.ts'

/** Every scenario that the simulator ships. */
export const library = [
  'budget_stop child_thread coding_agent crash_and_reschedule default interrupted long nine_hours_idle',
  'pinned_against_unpinned refusal research_agent scheduled_job self_hosted_worker tool_change tool_confirmation',
].flatMap((line) => line.split(' '))

/** The rows of a session, of each event the one that stays. */
export function kept(world: Pick<WatchedWorld, 'records'>, id: string): readonly SessionEventRow[] {
  const rows = new Map<string, SessionEventRow>()
  for (const record of world.records) {
    for (const row of project(record).session_events ?? []) {
      const known = rows.get(row.event_id)
      if (row.session_id === id && (known === undefined || row.ver >= known.ver)) rows.set(row.event_id, row)
    }
  }
  return [...rows.values()]
}
