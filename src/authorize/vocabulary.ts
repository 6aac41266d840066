// The words a policy may use: every action Tollgate ever asks about, with the kind of object it is asked on.
// A rule with any other word could never match, so it is refused instead of doing nothing in silence.
import { operations } from '../upstream/operations.ts'
import { handedOutWords, type Word } from './vocabulary-table.ts'

/** One word for each action of the table of operations; `from` lists the operations. */
const operationWords: readonly Word[] = [...new Set(operations.map(({ action }) => action))].map((action) => {
  const same = operations.filter((operation) => operation.action === action)
  const kind = same[0]?.resource ?? ''
  const verb = action.slice(action.indexOf('.') + 1)
  const onOne = same.some(({ objectParam }) => objectParam !== undefined)
  return {
    action,
    kind,
    means: `${verb} ${kind.replaceAll('_', ' ')}: ${onOne ? `\`${kind}/<id>\`, ` : ''}\`${kind}/*\` where no id is named`,
    from: same.map(({ id }) => id).join(', '),
    example: action === 'event.send' ? 'event/user.message' : `${kind}/*`,
  }
})

/** Every word, the operations' own first. */
export const vocabulary: readonly Word[] = [...operationWords, ...handedOutWords]

/** Action -> the kind before the `/` of its objects, e.g. `session.create` -> `session`. */
export const objectKindOf: ReadonlyMap<string, string> = new Map(
  vocabulary.map(({ action, kind }): [string, string] => [action, kind]),
)

/** The part of an action before its dot, which `resource.*` in a rule may name. */
export const actionGroups: ReadonlySet<string> = new Set([...objectKindOf.keys()].map(groupOf))

/** Every kind an object may be of. */
export const objectKinds: ReadonlySet<string> = new Set(objectKindOf.values())

/** `session.create` -> `session`. */
export function groupOf(action: string): string {
  return action.slice(0, action.indexOf('.'))
}
