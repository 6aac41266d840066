// Outcomes and their graders: the spans of each evaluation on the primary thread. How far an outcome has come is
// read off these events by the session itself.

import { z } from 'zod'
import type { JsonObject } from '../json.ts'
import type { LiveSession } from '../sessions/live-session.ts'
import { isOpen, type OutcomeEvaluation } from '../sessions/outcome-evaluations.ts'
import { modelUsageSchema, parseStep, type Step } from './scenario.ts'

const iterationsDefault = 3
const noUsage = { input_tokens: 0, output_tokens: 0 }
const definition = z.looseObject({ max_iterations: z.int().nullish() })
const verdict = z.looseObject({ result: z.string().default('satisfied'), usage: z.unknown().optional() })

/** An evaluation that nobody scripted: the outcome is met. */
const approval: readonly Step[] = [
  parseStep({ type: 'span.outcome_evaluation_start' }),
  parseStep({ type: 'span.outcome_evaluation_ongoing', delayMs: 10 }),
  parseStep({
    type: 'span.outcome_evaluation_end',
    delayMs: 10,
    fields: {
      result: 'satisfied',
      explanation: 'Every criterion of the rubric is met.',
      usage: { input_tokens: 500, output_tokens: 50 },
    },
  }),
]

/** The graders of one session. */
export function createGrading(session: LiveSession) {
  const { primary } = session
  let startId: string | undefined
  const open = (): OutcomeEvaluation | undefined => session.outcomes.find(isOpen)

  const cyclesOf = (outcome: OutcomeEvaluation): number => {
    const defined = primary.log
      .entries()
      .find(({ item }) => item.type === 'user.define_outcome' && item['outcome_id'] === outcome.outcome_id)
    return definition.safeParse(defined?.item).data?.max_iterations ?? iterationsDefault
  }

  const end = (outcome: OutcomeEvaluation, step: Pick<Step, 'fields'>): void => {
    const { result, usage } = verdict.parse(step.fields)
    const counts = modelUsageSchema.parse(usage ?? noUsage)
    const isLast = outcome.iteration + 1 >= cyclesOf(outcome)
    session.meter.countGrading(counts.input_tokens, counts.output_tokens)
    session.emit(primary, 'span.outcome_evaluation_end', {
      explanation: '',
      ...step.fields,
      result: result === 'needs_revision' && isLast ? 'max_iterations_reached' : result,
      outcome_id: outcome.outcome_id,
      iteration: outcome.iteration,
      // Empty when the evaluation never started, as upstream.
      outcome_evaluation_start_id: startId ?? '',
      usage: counts,
    })
    startId = undefined
  }

  return {
    /** Plays a step of an evaluation; nothing when no outcome waits for one. */
    perform: (step: Step): void => {
      const outcome = open()
      if (outcome === undefined) return
      const about: JsonObject = { outcome_id: outcome.outcome_id, iteration: outcome.iteration }
      if (step.type === 'span.outcome_evaluation_end') end(outcome, step)
      else {
        const { own } = session.emit(primary, step.type, { ...step.fields, ...about })
        if (step.type === 'span.outcome_evaluation_start') startId = own.id
      }
    },
    /** What is left to play at the end of a turn: an evaluation, when an outcome still waits for its verdict. */
    remaining: (): readonly Step[] => (open() === undefined ? [] : approval),
    /** Somebody interrupted: the open outcome will have no other verdict. */
    interrupt: (): void => {
      const outcome = open()
      if (outcome === undefined) return
      end(outcome, { fields: { result: 'interrupted', explanation: 'The evaluation was interrupted.' } })
    },
  }
}
