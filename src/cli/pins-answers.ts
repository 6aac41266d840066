// What the admin listener answers about versions, read strictly: another version of us may be at the other end.
import type { Command } from 'commander'
import { z } from 'zod'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo } from './command-io.ts'

const config = z.record(z.string(), z.unknown())
const approval = z.enum(['approved', 'number_only', 'expired', 'rejected', 'none'])

const facts = z
  .object({
    sessions: z.number(),
    failed_sessions: z.number(),
    cost_usd: z.number(),
    median_running_ms: z.number(),
    exchanges: z.number(),
    denials: z.number(),
  })
  .nullable()

const rollout = z.object({
  agent_id: z.string(),
  stable: z.number(),
  canary: z.number().nullable(),
  percent: z.number(),
  held: z.string(),
  held_at: z.string().nullable(),
  reasons: z.array(z.string()),
  watched: z.boolean(),
  judgement: z.string(),
  stable_facts: facts,
  canary_facts: facts,
})
export type RolloutAnswer = z.output<typeof rollout>

/** What `/api/v1/pins/agents/{id}/versions/{version}` answers. */
export const versionAnswer = z.object({
  agent_id: z.string(),
  version: z.number(),
  config_hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  config,
  members: z.array(z.object({ id: z.string(), version: z.number(), config })),
  made_by: z.object({ team: z.string(), caller: z.string(), seen_at: z.string() }).nullable(),
  asked_by: z.string(),
  four_eyes: z.enum(['off', 'require', 'strict']),
  approval,
})
export type VersionAnswer = z.output<typeof versionAnswer>

/** What `/api/v1/pins` answers, as far as commands need it. */
export const pinsAnswer = z.object({ rollouts: z.array(rollout) })

/** What `/api/v1/pins/status` answers. */
export const statusAnswer = z.object({
  at: z.string(),
  versions: z.array(
    z.object({
      agent_id: z.string(),
      agent_name: z.string(),
      agent_version: z.number(),
      teams: z.array(z.string()),
      running: z.number(),
      open: z.number(),
      sessions: z.number(),
      last_created_at: z.string(),
      approval,
      channel: z.string(),
    }),
  ),
  rollouts: z.array(rollout),
})

/** Adds the options that `askPins` takes. */
export function withGateway(command: Command): Command {
  return command
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key (default: TOLLGATE_KEY)')
}

/** One answer about versions. Rejects with CommandError when it cannot be had or read. */
export async function askPins<Answer>(
  path: string,
  schema: z.ZodType<Answer>,
  options: AdminOptions & { readonly team?: string },
  io: CommandIo,
): Promise<Answer> {
  const text = await askAdmin(`/api/v1/pins${path}`, { team: options.team }, options, io)
  const answer = schema.safeParse(parseJson(text))
  if (answer.success) return answer.data
  throw new CommandError('the admin listener answered in a form this version does not know')
}

/** A version of an agent with its roster, its hash and who made it. Rejects as `askPins`. */
export const askVersion = (
  agentId: string,
  version: number,
  options: AdminOptions & { readonly team?: string },
  io: CommandIo,
): Promise<VersionAnswer> =>
  askPins(`/agents/${encodeURIComponent(agentId)}/versions/${version}`, versionAnswer, options, io)
