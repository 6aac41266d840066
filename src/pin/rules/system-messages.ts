// A system message changes what an agent is told for the rest of its session; no version says so.
import type { Finding, PinRule } from '../rule.ts'
import { fieldsAt, listAt, pathText, readably, unreadable, wordAt } from './reading.ts'

const bodyNames = new Set(['events', 'initial_events'])
const eventNames = new Set(['type'])
const systemType = 'system.message'

/** Way 18: no `system.message`, sent or kept in a deployment. Forced, these events are left out where others remain. */
export const noSystemMessages: PinRule = {
  requirement: 'no_system_messages',
  ways: [18],
  operations: new Set([
    'sessions.events.send',
    'sessions.create',
    'deployments.create',
    'deployments.update',
  ]),
  examine: readably('no_system_messages', ({ parsed }) => {
    const fields = fieldsAt(parsed, [], bodyNames)
    return [...bodyNames].flatMap((name) => findingsIn(name, listAt(fields[name], [name])))
  }),
}

function findingsIn(name: string, events: readonly unknown[]): readonly Finding[] {
  const isSystem = events.map((event, index) => {
    const path = [name, index, 'type']
    const type = wordAt(fieldsAt(event, [name, index], eventNames)['type'], path)
    if (type !== systemType && type.toLowerCase() === systemType) return unreadable(path)
    return type === systemType
  })
  const hasOthers = isSystem.includes(false)
  return isSystem.flatMap((found, index): readonly Finding[] => {
    const path = [name, index]
    if (!found) return []
    return [
      {
        requirement: 'no_system_messages',
        ...{ path, requested: systemType, resolved: hasOthers ? 'left out' : '' },
        sentence: `\`${pathText(path)}\` is a \`${systemType}\`, which adds to the system prompt of the run; leave it out, say it in a \`user.message\`, or save it in the agent's \`system\``,
        edits: hasOthers ? [{ kind: 'remove', path }] : null,
      },
    ]
  })
}
