// What is asked and answered: agents, sessions and messages of 1, 2 and 50 KB. Shapes as in SDK 1.12.0.

/** Marked `force` in the benchmark's pins: creating a session on it without a version is rewritten. */
export const pinnedAgent = { id: 'agent_01BenchmarkAgentOfTheHouse', version: 3 } as const

/** Not the pinned one, so that nothing but the size of its prompt is special. */
const updatedAgent = { id: 'agent_01BenchmarkAgentWithAPrompt', version: 8 } as const

const createdAt = '2026-11-23T16:00:00.000Z'

const agent = {
  id: pinnedAgent.id,
  type: 'agent',
  version: pinnedAgent.version,
  name: 'benchmark',
  description: null,
  model: { id: 'claude-sonnet-5-5', speed: 'standard' },
  system: '',
  tools: [{ type: 'agent_toolset_20260401', default_config: { enabled: true } }],
  mcp_servers: [],
  skills: [],
  metadata: {},
  created_at: createdAt,
  updated_at: createdAt,
  archived_at: null,
}

const session = {
  id: 'sesn_01BenchmarkSessionOfTheHouse',
  type: 'session',
  agent: { ...agent, system: null },
  environment_id: 'env_01BenchmarkEnvironment',
  status: 'idle',
  title: '',
  metadata: {},
  resources: [],
  vault_ids: [],
  usage: { input_tokens: 1200, output_tokens: 340, cache_read_input_tokens: 9000 },
  created_at: createdAt,
  updated_at: createdAt,
  archived_at: null,
}

/** `make(text)` as JSON of exactly `bytes`, by the length of `text`. */
function sized(bytes: number, make: (text: string) => object): string {
  const empty = JSON.stringify(make('')).length
  if (empty > bytes) throw new Error(`the message is ${empty} bytes before it has any text`)
  return JSON.stringify(make('x'.repeat(bytes - empty)))
}

export const agentAnswer = sized(1024, (system) => ({ ...agent, system }))
export const updatedAgentAnswer = sized(1024, (system) => ({ ...agent, ...updatedAgent, system }))
export const sessionAnswer = sized(1024, (title) => ({ ...session, title }))

/** Names its agent by a plain id, so that the gateway must force the version: parsed, judged and rewritten. */
export const createSession = sized(2048, (note) => ({
  agent: pinnedAgent.id,
  environment_id: session.environment_id,
  title: 'benchmark',
  metadata: { ticket: 'BENCH-1', note },
  vault_ids: ['vlt_01BenchmarkVault'],
}))

/** What clients send most: a message. */
const messageOf = (bytes: number): string =>
  sized(bytes, (text) => ({ events: [{ type: 'user.message', content: [{ type: 'text', text }] }] }))
export const sendMessage = messageOf(2048)
export const sendLargeMessage = messageOf(50 * 1024)
export const sentAnswer = sized(1024, (text) => ({
  data: [
    {
      id: 'sevt_01BenchmarkMessage',
      type: 'user.message',
      content: [{ type: 'text', text }],
      processed_at: null,
    },
  ],
}))

/** A new version of an agent, mostly prompt. */
export const updateAgent = sized(50 * 1024, (system) => ({
  version: updatedAgent.version - 1,
  name: 'benchmark',
  system,
}))

export const paths = {
  updatedAgent: `/v1/agents/${updatedAgent.id}`,
  agent: `/v1/agents/${pinnedAgent.id}`,
  sessions: '/v1/sessions',
  events: `/v1/sessions/${session.id}/events`,
  stream: (n: number): string => `/v1/sessions/sesn_01Benchmark${String(n).padStart(8, '0')}/events/stream`,
} as const
