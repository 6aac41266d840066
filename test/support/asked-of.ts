// What a request asks of the policy, in one line each, for tables of requests.
import { type CapabilityRequest, expandAgent, expandCapabilities } from '../../src/authorize/capabilities.ts'
import type { Capability } from '../../src/authorize/permit.ts'
import type { Denial } from '../../src/kernel/errors.ts'
import { operations } from '../../src/upstream/operations.ts'

/** The row of the table with this id. */
export function operationOf(id: string) {
  const operation = operations.find((each) => each.id === id)
  if (operation === undefined) throw new Error(`no operation ${id}`)
  return operation
}

/** `action object` of every pair, without the operation's own; the message when it is a denial. */
export function askedOf(
  id: string,
  parsed: unknown,
  more: Partial<Pick<CapabilityRequest, 'params' | 'toolNameOf'>> = {},
): string | readonly string[] {
  const operation = operationOf(id)
  const expanded = expandCapabilities({ operation, params: {}, parsed, ...more })
  const lines = linesOf(expanded)
  return typeof lines === 'string' ? lines : lines.filter((line) => !line.startsWith(`${operation.action} `))
}

/** The same for a saved agent. */
export function carriedBy(agent: unknown): string | readonly string[] {
  return linesOf(expandAgent(agent))
}

function linesOf(expanded: readonly Capability[] | Denial): string | readonly string[] {
  return 'kind' in expanded ? expanded.message : expanded.map(({ action, object }) => `${action} ${object}`)
}
