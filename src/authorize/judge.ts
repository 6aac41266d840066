// The only file that knows Casbin. It hides its untyped arguments and its answers for empty policies.
import { Enforcer, FunctionMap, newEnforcerWithClass, newModelFromString } from 'casbin'
import { nextTurn } from '../kernel/turns.ts'
import { matchesAction, matchesObject } from './pattern.ts'
import type { RoleRow } from './roles.ts'
import type { RuleRow } from './rule-index.ts'

/**
 * Judges one request by the given rules alone, in their order: was it allowed, and by which row.
 * The row is one of the candidates (the same object), or undefined when none matched.
 */
export type Judge = (
  candidates: RuleRow[],
  sub: string,
  dom: string,
  act: string,
  obj: string,
) => readonly [allowed: boolean, row: readonly string[] | undefined]

/** Roles told to Casbin between two turns of the event loop; well under a millisecond. */
const rolesPerTurn = 256

/** Builds an enforcer with these roles, in slices. The model has passed `checkModel`. */
export async function createJudge(modelText: string, roles: readonly RoleRow[]): Promise<Judge> {
  const enforcer = await newEnforcerWithClass(LeanEnforcer, newModelFromString(modelText))
  const model = enforcer.getModel().model
  const rules = model.get('p')?.get('p')
  await enforcer.buildRoleLinks()
  const links = enforcer.getNamedRoleManager('g')
  if (rules === undefined || links === undefined) throw new Error('the model defines no `p` or no `g`')
  for (const [at, row] of roles.entries()) {
    if (at % rolesPerTurn === 0) await nextTurn()
    await links.addLink(...row)
  }

  return (candidates, ...request) => {
    // The list changes from call to call; nothing else can run between these two lines.
    rules.policy = candidates.length > 0 ? candidates : neverMatching
    const [allowed, row] = enforcer.enforceExSync(...request)
    return [allowed, row.length > 0 ? row : undefined]
  }
}

/** Without any rule Casbin judges by one whose columns are all '', which a careless matcher takes for a match. */
const neverMatching: RuleRow[] = [['\0', '\0', '\0', '\0', 'deny']]

/**
 * Casbin's own enforcer without its ten built-in functions, which no model of ours may name: it copies every
 * function for every rule it looks at. A class because Casbin makes the instance itself.
 */
class LeanEnforcer extends Enforcer {
  constructor() {
    super()
    this.fm = new FunctionMap()
    this.fm.addFunction('matchesAction', matchesAction)
    this.fm.addFunction('matchesObject', matchesObject)
  }
}
