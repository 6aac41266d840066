// Previews of a message while the model writes it: a start, then the text in pieces, under the id that the message
// itself will have. Only streams that asked see them, and whoever interrupts the model gets no message after them.

import { z } from 'zod'
import type { SimulatorClock } from '../clock.ts'
import { newId } from '../ids.ts'
import type { LiveThread } from '../sessions/live-session.ts'
import type { Step } from './scenario.ts'

/** A preview under way: the id of the event it runs ahead of. */
export type Preview = { readonly id: string; readonly cancel: () => void }

const pieceLength = 24
const textBlocks = z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))

/** The deltas of a message's text, block by block. Thinking has none, nor has content that was withheld. */
function deltasOf(id: string, step: Step): readonly object[] {
  const blocks = step.type === 'agent.message' ? textBlocks.safeParse(step.fields['content']) : undefined
  return (blocks?.data ?? []).flatMap(({ text }, index) =>
    (text.match(new RegExp(`[^]{1,${pieceLength}}`, 'gu')) ?? []).map((piece) => ({
      type: 'event_delta',
      event_id: id,
      delta: { type: 'content_delta', index, content: { type: 'text', text: piece } },
    })),
  )
}

/** Starts the preview of a step's event, spread over its delay; undefined when no stream wants one. */
export function beginPreview(thread: LiveThread, step: Step, clock: SimulatorClock): Preview | undefined {
  const { type, delayMs } = step
  const { log } = thread
  if (type !== 'agent.message' && type !== 'agent.thinking') return undefined
  if (!log.isPreviewed(type)) return undefined
  const event = { id: newId('sevt'), type }
  log.preview(event, 'event_start', { type: 'event_start', event })
  const deltas = deltasOf(event.id, step)
  const timers = deltas.map((delta, at) => {
    const show = () => log.preview(event, 'event_delta', delta)
    const dueMs = Math.floor((delayMs * (at + 1)) / (deltas.length + 1))
    if (dueMs > 0) return clock.after(dueMs, show)
    show()
    return () => {}
  })
  const cancel = (): void => {
    for (const cancelTimer of timers) cancelTimer()
  }
  return { id: event.id, cancel }
}
