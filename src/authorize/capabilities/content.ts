// What people say to an agent or a model, as far as it hands something over: files by id, tools added on the way.
import { fieldsOf, idOf, isAbsent, isObject, unreadable, wordOf } from './fields.ts'
import { addUnknown, type Gathering } from './gathering.ts'

const blockNames = new Set(['type', 'source', 'file_id', 'content', 'tool', 'tool_changes'])
const sourceNames = new Set(['type', 'file_id', 'content'])
const changeNames = new Set(['type', 'definition'])

/** A tool defined by value in the middle of a conversation, in the form of a `tools` entry. */
export type OnTool = (definition: unknown, at: string) => void

/**
 * The blocks of a message, results of tools and documents included; a text has none. How many there may be is bounded
 * by the body's own limits, how deep by its nesting.
 */
export function addContent(to: Gathering, content: unknown, at: string, onTool?: OnTool): void {
  if (isAbsent(content) || typeof content === 'string') return
  if (!Array.isArray(content)) unreadable(at)
  for (let index = 0; index < content.length; index++) addBlock(to, content[index], `${at}.${index}`, onTool)
}

function addBlock(to: Gathering, block: unknown, at: string, onTool: OnTool | undefined): void {
  if (typeof block === 'string') return
  const fields = fieldsOf(block, at, blockNames)
  addFile(to, fields['file_id'], `${at}.file_id`)
  if (isObject(fields['source'])) {
    const source = fieldsOf(fields['source'], `${at}.source`, sourceNames)
    addFile(to, source['file_id'], `${at}.source.file_id`)
    if (Array.isArray(source['content'])) addContent(to, source['content'], `${at}.source.content`, onTool)
  }
  // An error's `content` is an object: nothing in it is handed over.
  if (Array.isArray(fields['content'])) addContent(to, fields['content'], `${at}.content`, onTool)
  if (onTool === undefined) return
  if (fields['type'] === 'tool_addition') addChange(to, fields['tool'], `${at}.tool`, onTool)
  // A compaction carries the additions of what it stands for.
  if (Array.isArray(fields['tool_changes'])) {
    addContent(to, fields['tool_changes'], `${at}.tool_changes`, onTool)
  }
}

function addChange(to: Gathering, tool: unknown, at: string, onTool: OnTool): void {
  const fields = fieldsOf(tool, at, changeNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (!isAbsent(fields['definition'])) onTool(fields['definition'], `${at}.definition`)
  // A reference names a tool that `tools` or an earlier addition has defined.
  else if (!type.endsWith('_reference')) addUnknown(to, 'tool_addition.type', type)
}

/** A file handed over by id; absent is none. */
export function addFile(to: Gathering, fileId: unknown, at: string): void {
  if (!isAbsent(fileId)) to.add('file.mount', 'file', idOf(fileId, at))
}
