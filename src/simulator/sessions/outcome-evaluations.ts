// How far each outcome of a session has come, as `session.outcome_evaluations` shows it. Nobody sets it: it follows
// the events (SDK 1.12.0 `BetaManagedAgentsOutcomeEvaluationResource`).

import { z } from 'zod'
import type { SessionEvent } from './event-log.ts'

export type OutcomeEvaluation = {
  readonly type: 'outcome_evaluation'
  readonly outcome_id: string
  readonly description: string
  readonly result: string
  readonly iteration: number
  readonly explanation: string | null
  readonly completed_at: string | null
}

const definition = z.looseObject({ outcome_id: z.string(), description: z.string() })
const progress = z.looseObject({
  outcome_id: z.string(),
  iteration: z.int().default(0),
  result: z.string().default(''),
  explanation: z.string().nullish(),
})
const terminal: ReadonlySet<string> = new Set([
  'satisfied',
  'max_iterations_reached',
  'failed',
  'interrupted',
])

/** Whether an outcome still waits for its verdict; a session has at most one such. */
export const isOpen = ({ completed_at }: OutcomeEvaluation): boolean => completed_at === null

function afterSpan(current: OutcomeEvaluation, event: SessionEvent): OutcomeEvaluation {
  const span = progress.parse(event)
  if (event.type !== 'span.outcome_evaluation_end') {
    return { ...current, result: 'evaluating', iteration: span.iteration }
  }
  const explanation = span.explanation ?? current.explanation
  if (terminal.has(span.result)) {
    return {
      ...current,
      result: span.result,
      iteration: span.iteration,
      explanation,
      completed_at: event.processed_at,
    }
  }
  // Anything else sends the agent back to work, one cycle further.
  return { ...current, result: 'running', iteration: span.iteration + 1, explanation }
}

/** The evaluations after an event: one more for a definition, one further for a span, the same otherwise. */
export function followOutcome(
  evaluations: readonly OutcomeEvaluation[],
  event: SessionEvent,
): readonly OutcomeEvaluation[] {
  if (event.type === 'user.define_outcome') {
    const { outcome_id, description } = definition.parse(event)
    const pending: OutcomeEvaluation = {
      type: 'outcome_evaluation',
      outcome_id,
      description,
      result: 'pending',
      iteration: 0,
      explanation: null,
      completed_at: null,
    }
    return [...evaluations, pending]
  }
  if (event.type === 'session.status_running') {
    return evaluations.map((each) => (each.result === 'pending' ? { ...each, result: 'running' } : each))
  }
  if (!event.type.startsWith('span.outcome_evaluation_')) return evaluations
  return evaluations.map((each) =>
    each.outcome_id === event['outcome_id'] && isOpen(each) ? afterSpan(each, event) : each,
  )
}
