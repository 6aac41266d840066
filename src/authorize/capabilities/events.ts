// What is said to a session: each event by its type, the tool a confirmation lets through, the files it hands over.
import { addContent, addFile } from './content.ts'
import { fieldsOf, idOf, isAbsent, isObject, listOf, unreadable } from './fields.ts'
import { asName, type Gathering } from './gathering.ts'

const eventNames = new Set(['type', 'tool_use_id', 'content', 'rubric', 'result'])
const rubricNames = new Set(['type', 'file_id'])
const eventType = /^[a-z][a-z0-9_.]{0,127}$/

/** The tool that an `agent.*_tool_use` event of this id asks to run; undefined when nobody here has seen it. */
export type ToolNameOf = (toolUseId: string) => string | undefined

/** `events` of sessions.events.send, `initial_events` of what starts runs. */
export function addEvents(to: Gathering, events: unknown, at: string, toolNameOf?: ToolNameOf): void {
  if (isAbsent(events)) return
  for (const [index, event] of listOf(events, at).entries()) {
    const here = `${at}.${index}`
    const fields = fieldsOf(event, here, eventNames)
    const type = fields['type']
    if (typeof type !== 'string' || !eventType.test(type)) unreadable(`${here}.type`)
    to.add('event.send', 'event', type)
    if (type === 'user.tool_confirmation') {
      addConfirmation(to, fields['tool_use_id'], `${here}.tool_use_id`, toolNameOf)
    }
    addContent(to, fields['content'], `${here}.content`)
    if (isObject(fields['rubric'])) {
      const rubric = fieldsOf(fields['rubric'], `${here}.rubric`, rubricNames)
      addFile(to, rubric['file_id'], `${here}.rubric.file_id`)
    }
  }
}

/** A confirmation names the call, not the tool: unless somebody has seen the call, it is asked for every tool. */
function addConfirmation(to: Gathering, id: unknown, at: string, toolNameOf: ToolNameOf | undefined): void {
  const name = toolNameOf?.(idOf(id, at))
  to.add('tool.confirm', 'tool', name === undefined ? '*' : asName(name))
}
