// The admin calls for the clock: what time it is, and, when it is a manual one, moving it.

import { z } from 'zod'
import type { ManualClock, SimulatorClock } from './clock.ts'
import { conflict } from './http/api-error.ts'
import { json, type Route } from './http/router.ts'
import { parseBody } from './json.ts'

const advanceMsMax = 10 * 365 * 24 * 60 * 60 * 1000
const advanceSchema = z.strictObject({ advance_ms: z.number().int().min(0).max(advanceMsMax) })

const isManual = (clock: SimulatorClock): clock is ManualClock => 'advance' in clock && 'pending' in clock

/** The routes of `/simulator/clock`. Moving the machine's clock is a 409. */
export function clockRoutes(clock: SimulatorClock): readonly Route[] {
  const pattern = '/simulator/clock'
  const access = 'open'
  const show = () =>
    json({
      now: new Date(clock.nowMs()).toISOString(),
      now_ms: clock.nowMs(),
      manual: isManual(clock),
      timers: isManual(clock) ? clock.pending() : null,
    })
  return [
    { method: 'GET', pattern, access, run: show },
    {
      method: 'POST',
      pattern,
      access,
      run: ({ body }) => {
        const { advance_ms: advanceMs } = parseBody(advanceSchema, body)
        if (!isManual(clock)) {
          throw conflict('this simulator runs on the machine’s clock: start it with `--manual-clock`')
        }
        clock.advance(advanceMs)
        return show()
      },
    },
  ]
}
