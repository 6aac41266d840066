// Model calls that go around agents: the models that may answer, and the tools, servers, skills and files they get
// (SDK 1.12.0 resources/messages, beta/messages).

import { addSkills } from './agents.ts'
import { addContent } from './content.ts'
import {
  type Fields,
  fieldsOf,
  idOf,
  isAbsent,
  isObject,
  listOf,
  textOf,
  unreadable,
  wordOf,
} from './fields.ts'
import { addUnknown, type Gathering } from './gathering.ts'
import { addGeo, addSpeed, modelName } from './models.ts'
import { addDomains, addServers, type Servers, toolName } from './tools.ts'

const messageNames = new Set([
  ...['model', 'speed', 'inference_geo', 'fallbacks', 'mcp_servers', 'tools', 'container', 'messages'],
  'user_profile_id',
])
const fallbackNames = new Set(['model', 'speed'])
const containerNames = new Set(['id', 'skills'])
const turnNames = new Set(['role', 'content'])
const batchNames = new Set(['requests'])
const requestNames = new Set(['params'])
const toolNames = new Set(['type', 'name', 'model', 'mcp_server_name', 'allowed_domains', 'configs'])

/** Tools that run at the provider; their date is left away, whichever it is. */
const serverTools: ReadonlySet<string> = new Set([
  ...['web_search', 'web_fetch', 'code_execution', 'tool_search_tool_bm25', 'tool_search_tool_regex'],
])
/** Tools the provider defines and the client runs. */
const clientTools: ReadonlySet<string> = new Set([
  ...['bash', 'text_editor', 'computer', 'computer_toolset', 'browser_toolset', 'memory'],
])

/** messages.batches.create: everything that any of its requests hands out. */
export function addBatch(to: Gathering, body: unknown): void {
  const { requests } = fieldsOf(body, 'body', batchNames)
  if (isAbsent(requests)) return
  if (!Array.isArray(requests)) unreadable('requests')
  for (let index = 0; index < requests.length; index++) {
    const at = `requests.${index}`
    const fields = fieldsOf(requests[index], at, requestNames)
    if (!isAbsent(fields['params'])) addMessage(to, fields['params'], `${at}.params.`)
  }
}

/** messages.create and messages.count_tokens; `at` is the path before its fields. */
export function addMessage(to: Gathering, body: unknown, at = ''): void {
  const fields = fieldsOf(body, at === '' ? 'body' : at.slice(0, -1), messageNames)
  if (!isAbsent(fields['model'])) {
    const model = modelName(fields['model'], `${at}model`)
    to.add('model.use', 'model', model)
    addSpeed(to, model, fields['speed'], `${at}speed`)
    addGeo(to, fields['inference_geo'], `${at}inference_geo`)
  }
  if (!isAbsent(fields['user_profile_id'])) {
    to.add('user_profile.use', 'user_profile', idOf(fields['user_profile_id'], `${at}user_profile_id`))
  }
  addFallbacks(to, fields['fallbacks'], `${at}fallbacks`)
  const servers = addServers(to, fields['mcp_servers'], `${at}mcp_servers`)
  const onTool = (tool: unknown, here: string): void => addTool(to, tool, here, servers)
  if (!isAbsent(fields['tools'])) {
    for (const [index, tool] of listOf(fields['tools'], `${at}tools`).entries())
      onTool(tool, `${at}tools.${index}`)
  }
  if (isObject(fields['container'])) {
    const container = fieldsOf(fields['container'], `${at}container`, containerNames)
    addSkills(to, container['skills'], `${at}container.skills`)
  }
  const turns = fields['messages']
  if (isAbsent(turns)) return
  if (!Array.isArray(turns)) unreadable(`${at}messages`)
  for (let index = 0; index < turns.length; index++) {
    const here = `${at}messages.${index}`
    addContent(to, fieldsOf(turns[index], here, turnNames)['content'], `${here}.content`, onTool)
  }
}

/** Models that answer when the first declines; `"default"` leaves the choice to the upstream. */
function addFallbacks(to: Gathering, fallbacks: unknown, at: string): void {
  if (isAbsent(fallbacks)) return
  if (!Array.isArray(fallbacks)) {
    if (fallbacks === 'default') to.add('model.use', 'model', '*')
    else addUnknown(to, 'fallbacks', wordOf(fallbacks, at))
    return
  }
  for (const [index, fallback] of listOf(fallbacks, at).entries()) {
    const here = `${at}.${index}`
    const fields = fieldsOf(fallback, here, fallbackNames)
    const model = modelName(fields['model'], `${here}.model`)
    to.add('model.use', 'model', model)
    addSpeed(to, model, fields['speed'], `${here}.speed`)
  }
}

function addTool(to: Gathering, tool: unknown, at: string, servers: Servers): void {
  const fields = fieldsOf(tool, at, toolNames)
  const written = fields['type']
  const type = isAbsent(written) ? 'custom' : wordOf(written, `${at}.type`)
  const base = type.replace(/_\d{8}$/, '')
  if (type === 'custom') to.add('tool.enable', 'tool', `custom:${toolName(fields['name'], at)}`)
  else if (serverTools.has(base)) addServerTool(to, base, fields, at)
  else if (clientTools.has(base)) to.add('tool.enable', 'tool', `${base}:client`)
  else if (base === 'advisor') to.add('model.use', 'model', modelName(fields['model'], `${at}.model`))
  else if (base === 'mcp_toolset') addToolset(to, fields, at, servers)
  else addUnknown(to, 'tools.type', type)
}

function addServerTool(to: Gathering, base: string, fields: Fields, at: string): void {
  to.add('tool.enable', 'tool', `${base}:server`)
  if (base === 'web_search' || base === 'web_fetch') {
    addDomains(to, fields['allowed_domains'], `${at}.allowed_domains`)
  }
}

/** No permission policy here: whatever the server offers may be called at once. */
function addToolset(to: Gathering, fields: Fields, at: string, servers: Servers): void {
  const url = servers.get(textOf(fields['mcp_server_name'], `${at}.mcp_server_name`)) ?? '*'
  to.add('tool.enable', 'tool', `mcp:always_allow:${url}`)
}
