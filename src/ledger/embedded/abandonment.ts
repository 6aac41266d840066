// When the client hangs up, its query is killed: nobody will read the answer, and the session is needed by others.
import type { ServerResponse } from 'node:http'

export type AbandonmentWatch = {
  /** True once the client is gone. */
  readonly abandoned: () => boolean
  /** Ends the watch. Resolves when no kill is under way any more, so that none can hit the session's next query. */
  readonly end: () => Promise<void>
}

/**
 * Calls `kill` when the response closes before `end`, and again every `intervalMs`: a query that was not yet
 * registered when the first kill looked would otherwise run to its end.
 */
export function watchAbandonment(
  response: ServerResponse,
  kill: () => Promise<void>,
  intervalMs = 250,
): AbandonmentWatch {
  let gone = response.destroyed
  let inFlight: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  const tryKill = (): void => {
    // A kill that fails is tried again by the timer.
    inFlight ??= kill()
      .catch(() => undefined)
      .finally(() => {
        inFlight = undefined
      })
  }
  const onClose = (): void => {
    // An answer that was written whole closes too.
    if (response.writableEnded) return
    gone = true
    tryKill()
    timer = setInterval(tryKill, intervalMs)
  }
  response.once('close', onClose)
  return {
    abandoned: () => gone,
    end: async () => {
      response.off('close', onClose)
      clearInterval(timer)
      await inFlight
    },
  }
}
