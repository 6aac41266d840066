// The words for what an agent is, what it may do and what it may reach.
import { type Word, word } from './vocabulary-word.ts'

const agentOf = 'an agent: saved, overridden for a session, or carried by a run'

/** What an agent is and what it may use without anything outside itself. */
export const agentWords: readonly Word[] = [
  word(
    'agent.use',
    'agent',
    'agent_01ABC',
    'run this agent, by itself or as a member of another one’s roster',
    '`agent` of sessions.create, deployments.*; `multiagent` rosters',
  ),
  word(
    'agent.float',
    'agent',
    'agent_01ABC',
    'name it without a version: whoever saved it last decides what runs',
    'a reference to an agent without `version`',
  ),
  word(
    'agent.override',
    'agent',
    'agent_01ABC',
    'replace parts of the saved version for one session; `agent/*` where the request does not name the agent',
    '`agent_with_overrides`; `agent` of sessions.update',
  ),
  word(
    'override.set',
    'field',
    'system',
    'replace this part: `field/system`, `field/model`, `field/tools`, …',
    'each member of `agent_with_overrides` or of `agent` of sessions.update',
  ),
  word(
    'model.use',
    'model',
    'claude-opus-5-5',
    'spend on this model; `model/*` where the upstream picks one',
    `\`model\` of ${agentOf}; advisors; dreams; messages`,
  ),
  word(
    'model.fast',
    'model',
    'claude-opus-5-5',
    'run it at `speed: fast`, at about twice the price',
    '`model.speed`',
  ),
  word('model.effort', 'effort', 'max', 'ask for this effort by name', '`model.effort`, where it is written'),
  word(
    'model.locate',
    'geo',
    'us',
    'infer in this region; `geo/unset` leaves it to the workspace',
    '`model.inference_geo`, written or not',
  ),
  word(
    'identity.assume',
    'identity',
    'arn:aws:iam::123456789012:role/reader',
    'run as this role of somebody else’s cloud',
    '`execution_identity` of type `aws_role`',
  ),
  word(
    'skill.use',
    'skill',
    'xlsx@20251013',
    'load this skill’s instructions; `@latest` without a version',
    `\`skills\` of ${agentOf}; \`container.skills\` of messages`,
  ),
  word(
    'skill.float',
    'skill',
    'xlsx',
    'load it without a version: whoever uploads it last decides what it says',
    'a skill without `version`, or `latest`',
  ),
  word(
    'subagent.spawn',
    'multiagent',
    'subagents',
    'let the agent start threads that run other agents',
    '`multiagent`: a `coordinator`, or `subagents` not disabled',
  ),
  word(
    'subagent.inline',
    'multiagent',
    'subagents',
    'let the model write agents of its own, which nobody has saved or reviewed',
    '`multiagent.subagents` or `.workflows`, unless `inline_agents` is `disabled`; null and omission enable it',
  ),
  word(
    'workflow.run',
    'multiagent',
    'workflows',
    'let the model write and start programs that run agents; no permission policy asks anybody',
    '`multiagent.workflows`, unless `disabled`; null and omission enable it',
  ),
]

/** What an agent may do and reach. */
export const reachWords: readonly Word[] = [
  word(
    'tool.enable',
    'tool',
    'bash:always_ask',
    'give an agent this tool under this permission policy: `<tool>:<policy>`, `mcp:<policy>:<url>` for all tools of a server, `mcp:<policy>:<url>!<tool>` for one, `custom:<name>`; on messages the policy is `server` or `client`, where the tool runs',
    `every tool that \`tools\` of ${agentOf} leaves enabled, defaults included; \`tools\` of messages`,
  ),
  word(
    'tool.confirm',
    'tool',
    'bash',
    'answer a tool call that waits for a person: `tool/<name>`, or `tool/mcp:<server>!<tool>`; `tool/*` where nobody can tell which, and then any denial of a tool counts',
    '`user.tool_confirmation`',
  ),
  word(
    'mcp.connect',
    'mcp',
    'https://mcp.github.com/*',
    'connect to this MCP server: scheme, host and path, `?query` when there is a query',
    `\`mcp_servers\` of ${agentOf} and of messages`,
  ),
  word(
    'web.reach',
    'domain',
    'docs.example.com',
    'search or fetch on this domain and below it; `domain/*` unless `allowed_domains` says less. No environment’s networking limits this',
    '`web_fetch` and `web_search` where enabled',
  ),
  word(
    'egress.open',
    'host',
    'api.example.com',
    'let code reach this host; `host/.example.com` is `*.example.com`; `host/*` is unrestricted networking, the default; `host/:mcp_servers` and `host/:package_managers` are the two switches',
    '`config.networking` of environments',
  ),
  word(
    'package.install',
    'package',
    'pip:requests==2.32.5',
    'build this package into an environment',
    '`config.packages` of environments',
  ),
  word(
    'environment.use',
    'environment',
    'env_01ABC',
    'run inside this environment',
    '`environment_id` of sessions.create, deployments.*',
  ),
  word(
    'environment.self_host',
    'environment',
    '*',
    'have runs fetched by workers outside the provider',
    '`config.type: self_hosted` of environments',
  ),
]
