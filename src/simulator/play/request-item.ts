// The item most scenarios are made of, one model request: what it thinks, says and uses, what it costs, how long it
// takes. `- says: Done.` with `tokens`, `- uses: {tool: bash, ...}` with `tokens`, or both together.

import { z } from 'zod'
import { duration } from './duration.ts'
import { common, itemOf, modelUsage, type StepInput, textContent, tokens } from './item.ts'
import { permissionSchema } from './scenario.ts'

const toolUse = permissionSchema.extend({
  tool: z.string(),
  /** The MCP server it is of. */
  mcp: z.string().optional(),
  /** A tool of the client's own. */
  custom: z.boolean().default(false),
  input: z.record(z.string(), z.unknown()).default({}),
  /** Its result, and how long it takes; a custom tool's result comes from the client. */
  gives: z.string().default(''),
  fails: z.boolean().default(false),
  takes: duration.default(0),
})
type ToolUse = z.infer<typeof toolUse>

const requestSchema = z.strictObject({
  ...common,
  thinks: z.boolean().default(false),
  says: z.string().optional(),
  /** Its text is withheld from clients. */
  redacted: z.boolean().default(false),
  uses: z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(toolUse)).prefault([]),
  tokens: tokens.prefault({}),
  takes: duration.default(20),
})

function useStep({ tool, mcp, custom, input, policy, verdict, reason }: ToolUse): StepInput {
  const type = custom ? 'agent.custom_tool_use' : mcp === undefined ? 'agent.tool_use' : 'agent.mcp_tool_use'
  const fields = { name: tool, input, ...(mcp === undefined ? {} : { mcp_server_name: mcp }) }
  return { type, fields, permission: { policy, verdict, ...(reason === undefined ? {} : { reason }) } }
}

const resultStep = ({ mcp, gives, fails, takes }: ToolUse): StepInput => ({
  type: mcp === undefined ? 'agent.tool_result' : 'agent.mcp_tool_result',
  delayMs: takes,
  fields: { ...textContent(gives), is_error: fails },
})

/** What the model writes, in the order it does: thinking takes the first quarter, text or tool uses the rest. */
function writing(item: z.infer<typeof requestSchema>, writingMs: number): readonly StepInput[] {
  const content = item.redacted ? { content: [{ type: 'redacted' }] } : textContent(item.says ?? '')
  const said = item.says === undefined ? [] : [{ type: 'agent.message', fields: content }]
  const shown: readonly StepInput[] = [...said, ...item.uses.map(useStep)]
  const thinkingMs = item.thinks ? Math.floor(writingMs / (shown.length === 0 ? 1 : 4)) : 0
  return [
    ...(item.thinks ? [{ type: 'agent.thinking', delayMs: thinkingMs }] : []),
    ...shown.map((step, at) => (at === 0 ? { ...step, delayMs: writingMs - thinkingMs } : step)),
  ]
}

/** The model writes for four fifths of the time, and what it wrote is there before its request ends. */
function expand(item: z.infer<typeof requestSchema>): readonly StepInput[] {
  const writingMs = Math.floor((item.takes * 4) / 5)
  return [
    { type: 'span.model_request_start' },
    ...writing(item, writingMs),
    {
      type: 'span.model_request_end',
      delayMs: item.takes - writingMs,
      fields: { model_usage: modelUsage(item.tokens) },
      hidden: {
        ephemeral_1h_input_tokens: item.tokens.write_1h,
        web_search_requests: item.tokens.searches,
      },
    },
    ...item.uses.filter(({ custom }) => !custom).map(resultStep),
  ]
}

/** Reads a model request. */
export const readRequest = itemOf(requestSchema, expand)
