// A session's spend ceiling (SDK 1.12.0 `BetaManagedAgentsBudgetLimit`): read, compared with what the session has
// cost exactly, and refused for models that have no list price.

import { z } from 'zod'
import { knownModels, picoOfCents, priceRuntime } from '../billing/prices.ts'
import { invalidRequest } from '../http/api-error.ts'
import type { JsonObject } from '../json.ts'
import type { LiveSession } from './live-session.ts'

/** A budget as clients send it and as the API shows it. The amount is whole cents, and at least one. */
export const budgetParams = z.object({
  type: z.literal('limit'),
  max_list_cost: z.object({
    amount: z
      .string()
      .regex(
        /^[1-9]\d{0,17}$/,
        'must be a whole number of cents above zero, as a string without leading zeros',
      ),
    currency: z.literal('USD'),
  }),
})

export type Budget = z.infer<typeof budgetParams>

/** What the session has cost so far, exact: tokens, searches and running time, running threads up to now. */
export const consumedPicoUsd = (session: Pick<LiveSession, 'meter'>, nowMs: number): bigint =>
  session.meter.total().picoUsd + priceRuntime(session.meter.runningMs(nowMs))

/** The ceiling in pico-dollars. */
export const limitPicoUsd = (budget: Budget): bigint => picoOfCents(budget.max_list_cost.amount)

/** Whether the session has a budget and has used it up. */
export const isBudgetReached = (session: Pick<LiveSession, 'meter' | 'budget'>, nowMs: number): boolean =>
  session.budget !== null && consumedPicoUsd(session, nowMs) >= limitPicoUsd(session.budget)

const priced: ReadonlySet<string> = new Set(knownModels)
const modelNamed = z.looseObject({ model: z.union([z.string(), z.looseObject({ id: z.string() })]) })

/** Every model an agent definition names: its own, its members', its advisor's. */
function modelsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(modelsIn)
  if (typeof value !== 'object' || value === null) return []
  const named = modelNamed.safeParse(value)
  const own = named.success
    ? [typeof named.data.model === 'string' ? named.data.model : named.data.model.id]
    : []
  // Only the members are searched further: a tool's input schema may call anything `model`.
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, member]) => (memberKeys.has(key) ? modelsIn(member) : [])),
  ]
}

const memberKeys: ReadonlySet<string> = new Set([
  'multiagent',
  'agents',
  'advisor',
  'subagents',
  'workflows',
  'predefined_agents',
])

/** Throws a 400 `model_not_budgetable` when the agent could run a model without a list price. */
export function checkBudgetable(agent: JsonObject): void {
  const unpriced = modelsIn(agent).find((model) => !priced.has(model))
  if (unpriced === undefined) return
  throw invalidRequest(`budget: model \`${unpriced}\` has no list price`, 'model_not_budgetable')
}

/** Throws a 400 unless an update may set the session's budget to this: replaced above what is used, or removed. */
export function checkBudgetUpdate(session: LiveSession, next: Budget | null, nowMs: number): void {
  if (next === null) return
  if (session.budget === null) {
    throw invalidRequest('budget: can only be given when the session is created', 'budget_create_only')
  }
  if (limitPicoUsd(next) <= consumedPicoUsd(session, nowMs)) {
    throw invalidRequest(
      'budget.max_list_cost: must be above what the session has consumed',
      'budget_not_raised',
    )
  }
  checkBudgetable(session.agent)
}
