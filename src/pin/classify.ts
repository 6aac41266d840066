// Which classes a request belongs to, and what they require of it together: the strictest of each.
import { matchesPattern } from './matches-pattern.ts'
import {
  modes,
  type PinClass,
  type Pins,
  type Requirement,
  type RequirementName,
  requirementNames,
} from './pins.ts'
import { normaliseRepository, type Touched } from './touched.ts'

/** A class and the entry of pins.yaml that put the request into it. */
export type Membership = { readonly pinClass: PinClass; readonly rule: string }

/** A requirement as it counts for one request, and whose it is. */
export type Applied = Requirement & { readonly className: string; readonly rule: string }

/** Every class that an entry names it for, each once, by the first entry; the default class when none does. */
export function classify(pins: Pins, touched: Touched): readonly Membership[] {
  const found = new Map<string, Membership>()
  for (const { kind, subject, className, rule } of pins.sensitivity) {
    if (found.has(className)) continue
    const subjects = touched.subjects.get(kind)
    const pinClass = pins.classes.get(className)
    if (subjects === undefined || pinClass === undefined) continue
    const pattern = kind === 'repository' ? normaliseRepository(subject) : subject
    if (subjects.isUnreadable || someMatches(pattern, subjects.names))
      found.set(className, { pinClass, rule })
  }
  if (found.size > 0) return [...found.values()]
  return [{ pinClass: pins.defaultClass, rule: pins.defaultRule }]
}

/** Whether an entry of pins.yaml names this agent itself. */
export function isAgentNamed(pins: Pins, agentId: string): boolean {
  return (
    pins.approved.has(agentId) ||
    pins.rejected.has(agentId) ||
    pins.sensitivity.some(({ kind, subject }) => kind === 'agent' && matchesPattern(subject, agentId))
  )
}

function someMatches(pattern: string, names: ReadonlySet<string>): boolean {
  if (!pattern.includes('*')) return names.has(pattern)
  for (const name of names) if (matchesPattern(pattern, name)) return true
  return false
}

/** What all classes together require: per requirement the strictest mode, and only what every one of that requirement allows. */
export function mergeRequirements(memberships: readonly Membership[]): ReadonlyMap<RequirementName, Applied> {
  const merged = new Map<RequirementName, Applied>()
  for (const { pinClass, rule } of memberships) {
    for (const name of requirementNames) {
      const required = pinClass.requirements.get(name)
      if (required === undefined) continue
      const before = merged.get(name)
      const now = { ...required, className: pinClass.name, rule }
      merged.set(name, before === undefined ? now : stricter(before, now))
    }
  }
  return merged
}

function stricter(first: Applied, second: Applied): Applied {
  const strictest = modes.indexOf(second.mode) > modes.indexOf(first.mode) ? second : first
  return { ...strictest, allow: first.allow.filter((name) => second.allow.includes(name)) }
}
