// The scenarios that come with the simulator, as readable data. Choose one for the whole simulator with the
// option `scenario`, or for one session with the metadata key `simulator_scenario`.

import { parseScenario, type Scenario, type ScenarioInput } from './scenario.ts'

type StepInput = ScenarioInput['turns'][number][number]

/** A model request that says one sentence: start, message, end. */
const says = (
  text: string,
  tokens: {
    readonly input: number
    readonly output: number
    readonly read?: number
    readonly write?: number
  },
  options: { readonly thread?: string; readonly delayMs?: number } = {},
): StepInput[] => {
  const { thread = 'primary', delayMs = 20 } = options
  return [
    { type: 'span.model_request_start', thread },
    { type: 'agent.message', thread, delayMs, fields: { content: [{ type: 'text', text }] } },
    {
      type: 'span.model_request_end',
      thread,
      delayMs,
      fields: {
        model_usage: {
          input_tokens: tokens.input,
          output_tokens: tokens.output,
          cache_read_input_tokens: tokens.read ?? 0,
          cache_creation_input_tokens: tokens.write ?? 0,
        },
      },
    },
  ]
}

/** One short answer, a little cached on every turn after the first. */
const shortAnswer = {
  name: 'default',
  turns: [
    says('Hello from the simulator.', { input: 1200, output: 240, write: 800 }),
    says('Hello again from the simulator.', { input: 300, output: 180, read: 2000, write: 200 }),
  ],
} satisfies ScenarioInput

/** A command that waits for a person, then runs or does not. */
const toolConfirmation = {
  name: 'tool_confirmation',
  turns: [
    [
      { type: 'span.model_request_start' },
      {
        type: 'agent.tool_use',
        delayMs: 20,
        fields: {
          name: 'bash',
          input: { command: 'ls -la' },
          evaluated_permission: 'ask',
          evaluation: { type: 'always_ask' },
        },
      },
      {
        type: 'span.model_request_end',
        fields: { model_usage: { input_tokens: 900, output_tokens: 60, cache_creation_input_tokens: 900 } },
      },
      { type: 'session.status_idle', fields: { stop_reason: { type: 'requires_action' } } },
      { type: 'session.status_running' },
      {
        type: 'agent.tool_result',
        delayMs: 20,
        onlyIf: 'allow',
        fields: { content: [{ type: 'text', text: 'total 0' }], is_error: false },
      },
      {
        type: 'agent.tool_result',
        onlyIf: 'deny',
        fields: { content: [{ type: 'text', text: 'The tool call was denied.' }], is_error: true },
      },
      ...says('Done with the command.', { input: 120, output: 90, read: 1800 }),
    ],
  ],
} satisfies ScenarioInput

/** A child thread with its own model, whose spans are on its own stream and whose time overlaps ours. */
const childThread = {
  name: 'child_thread',
  threads: { researcher: { agent_name: 'researcher', model: 'claude-haiku-4-5' } },
  turns: [
    [
      ...says('I will ask the researcher.', { input: 700, output: 80 }),
      { type: 'session.thread_created', thread: 'researcher' },
      { type: 'session.thread_status_running', thread: 'researcher' },
      {
        type: 'agent.thread_message_sent',
        peer: 'researcher',
        fields: { content: [{ type: 'text', text: 'Find three sources.' }] },
      },
      {
        type: 'agent.thread_message_received',
        thread: 'researcher',
        fields: { content: [{ type: 'text', text: 'Find three sources.' }] },
      },
      ...says(
        'Here are three sources.',
        { input: 2500, output: 400, read: 500, write: 1000 },
        { thread: 'researcher' },
      ),
      {
        type: 'session.thread_status_idle',
        thread: 'researcher',
        fields: { stop_reason: { type: 'end_turn' } },
      },
      {
        type: 'agent.thread_message_received',
        peer: 'researcher',
        fields: { content: [{ type: 'text', text: 'Here are three sources.' }] },
      },
      ...says('The researcher found three sources.', { input: 600, output: 150, read: 700 }),
    ],
  ],
} satisfies ScenarioInput

/** Many model requests and tool calls in one turn. */
const long = {
  name: 'long',
  turns: [
    Array.from({ length: 25 }, (_, at): StepInput[] => [
      ...says(
        `Step ${at + 1} of 25.`,
        { input: 400 + at, output: 120, read: 1000 * at, write: 1000 },
        { delayMs: 5 },
      ),
      {
        type: 'agent.tool_use',
        fields: {
          name: 'read',
          input: { file_path: `/workspace/${at}.md` },
          evaluated_permission: 'allow',
          evaluation: { type: 'always_allow' },
        },
      },
      {
        type: 'agent.tool_result',
        delayMs: 5,
        fields: { content: [{ type: 'text', text: 'ok' }], is_error: false },
      },
    ]).flat(),
  ],
} satisfies ScenarioInput

/** The scenarios that come with the simulator, by name: default, tool_confirmation, child_thread, long. */
export function loadScenarioLibrary(): ReadonlyMap<string, Scenario> {
  const inputs: readonly ScenarioInput[] = [shortAnswer, toolConfirmation, childThread, long]
  return new Map(inputs.map((input) => [input.name, parseScenario(input)]))
}
