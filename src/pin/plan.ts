// What the pins in force can ask of a request at all, found out once per file: most requests are asked nothing.
import { modes, type Pins, type RequirementName } from './pins.ts'
import type { PinRule } from './rule.ts'

export type Plan = {
  /** The rules that some class requires of this operation, in the order in which they act. */
  readonly rulesOf: (operationId: string) => readonly PinRule[]
  /** Whether some entry goes by this, so that it must be asked for where the request does not say it. */
  readonly goesByAgentNames: boolean
  readonly goesByAgents: boolean
  /** Whether some entry goes by more than the caller's team. */
  readonly goesByObjects: boolean
  /** False: nothing is ever refused or rewritten, so what cannot be asked must not stop anybody. */
  readonly isBinding: boolean
}

/** Makes the plans; each set of pins is looked at once. */
export function createPlans(rules: readonly PinRule[]): (pins: Pins) => Plan {
  const plans = new WeakMap<Pins, Plan>()
  return (pins) => {
    const known = plans.get(pins)
    if (known !== undefined) return known
    const plan = makePlan(pins, rules)
    plans.set(pins, plan)
    return plan
  }
}

const none: readonly PinRule[] = []

function makePlan(pins: Pins, rules: readonly PinRule[]): Plan {
  const reachable = new Set([pins.defaultClass])
  for (const { className } of pins.sensitivity) {
    const pinClass = pins.classes.get(className)
    if (pinClass !== undefined) reachable.add(pinClass)
  }
  const asked = new Set<RequirementName>()
  let strictest = 0
  for (const { requirements } of reachable) {
    for (const [name, { mode }] of requirements) {
      asked.add(name)
      strictest = Math.max(strictest, modes.indexOf(mode))
    }
  }
  const byOperation = new Map<string, PinRule[]>()
  for (const rule of rules) {
    if (!asked.has(rule.requirement)) continue
    for (const id of rule.operations) byOperation.set(id, [...(byOperation.get(id) ?? []), rule])
  }
  const kinds = new Set(pins.sensitivity.map(({ kind }) => kind))
  return {
    rulesOf: (id) => byOperation.get(id) ?? none,
    goesByAgentNames: kinds.has('agent_name'),
    goesByAgents: kinds.has('agent') || kinds.has('agent_name'),
    goesByObjects: [...kinds].some((kind) => kind !== 'team'),
    isBinding: strictest > modes.indexOf('observe'),
  }
}
