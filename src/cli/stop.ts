// `tollgate stop`, `tollgate stops` and `tollgate lift`: the stop button on the command line.
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { type AdminOptions, askAdmin, deleteAdmin, orderAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { drawRows, readAs } from './rows-answer.ts'

type StopOptions = AdminOptions & {
  readonly session?: string
  readonly agent?: string
  readonly team?: string
  readonly caller?: string
  readonly key?: string
  readonly deployment?: string
  readonly all?: true
  readonly reason?: string
  readonly dryRun?: true
  readonly archive?: true
  readonly for?: number
}

const stop = z.object({
  stop_id: z.string(),
  what: z.string(),
  in_force: z.boolean(),
  reason: z.string(),
  ordered_by: z.string(),
  ordered_at_ms: z.number(),
  until_ms: z.number(),
  lifted_by: z.string(),
  sessions: z.number(),
  failed: z.number(),
  p99_ms: z.number().nullable(),
  streams: z.number(),
  deployments: z.array(z.string()),
  not_stopped: z.array(z.string()),
  problems: z.array(z.string()),
})
const plan = z.object({
  what: z.string(),
  sessions: z.array(z.record(z.string(), z.union([z.string(), z.boolean()]))),
  streams: z.number(),
  callers: z.array(z.string()),
  deployments: z.array(z.string()),
})
const ordered = z.union([
  z.object({ dry_run: z.literal(true), plan }),
  z.object({ dry_run: z.literal(false), stop }),
])
const lifted = z.object({ stop })
const listed = z.object({ stops: z.array(stop) })

const help = `
New work is refused at once on every gateway, with the reason; streams of events end; live sessions are interrupted on all their
threads, again and again for what began in between; deployments are paused. Reading stays allowed, and so do interrupts and
archiving; a stopped key may do nothing at all. It holds until it is lifted, or for as long as --for says, through restarts.

  tollgate stop --agent agent_01ABC@3 --reason "deletes branches it should not" --dry-run
  tollgate stop --agent agent_01ABC@3 --reason "deletes branches it should not"
  tollgate stop --key 0aB1cD2e --reason "leaked in a build log" --archive
  tollgate stop --all --for 30m --reason "incident 4711"
  tollgate lift stop_01ABC

Lifting does not unpause deployments, and nothing that was interrupted goes on by itself. Needs \`stop.order\` and \`stop.lift\`.
`

/** Adds the commands. */
export function addStop(program: Command, io: CommandIo): void {
  withAdmin(program.command('stop'))
    .description('stop work now: sessions, an agent, a team, a caller, a key, deployments, or everything')
    .option('--session <id>', 'one session')
    .option('--agent <id[@version]>', 'everything that runs this agent, or one version of it')
    .option('--team <name>', "a team's work")
    .option('--caller <id>', "a caller's work")
    .option('--key <key-id>', 'whatever comes with this key, and the sessions it made')
    .option('--deployment <id>', 'a deployment and its sessions')
    .option('--all', 'everything')
    .option('--reason <text>', 'why; everybody who is refused reads it')
    .option('--dry-run', 'say what would be stopped, and stop nothing')
    .option('--archive', 'archive the sessions, too')
    .option('--for <time>', 'how long, such as 90s, 30m, 2h or 7d (default: until it is lifted)', readTime)
    .addHelpText('after', help)
    .action((options: StopOptions) => order(options, io))

  withAdmin(program.command('stops'))
    .description('print what is stopped, and what was')
    .action(async (options: AdminOptions) => {
      const { stops } = readAs(listed, await askAdmin('/api/v1/stops', {}, options, io))
      io.out(stops.length === 0 ? 'nothing was ever stopped\n' : drawRows(stops.map(toRow)))
    })

  withAdmin(program.command('lift'))
    .description('lift a stop')
    .argument('<stop-id>', 'as `tollgate stops` prints it')
    .action(async (id: string, options: AdminOptions) => {
      const answer = await deleteAdmin(`/api/v1/stop/${encodeURIComponent(id)}`, options, io)
      const { stop: done } = readAs(lifted, answer)
      io.out(`${done.what} is no longer stopped by ${done.stop_id}; deployments it paused stay paused\n`)
    })
}

async function order(options: StopOptions, io: CommandIo): Promise<void> {
  const { reason, dryRun = false, archive = false, for: forMs = 0 } = options
  const body = {
    ...targetOf(options),
    archive,
    for_ms: forMs,
    dry_run: dryRun,
    reason: reason ?? (dryRun ? 'dry run' : ''),
  }
  const answer = readAs(ordered, await orderAdmin('/api/v1/stop', body, options, io))
  if (answer.dry_run) {
    const { what, sessions, streams, callers, deployments } = answer.plan
    io.out(drawRows(sessions))
    io.out(
      `would stop ${what}: ${sessions.length} sessions (${sessions.filter((each) => each['at_work'] === true).length} at work) of ${callers.length} callers, ` +
        `${streams} streams here, ${deployments.length} deployments; nothing is stopped\n`,
    )
    return
  }
  const { stop: done } = answer
  io.out(
    `${done.stop_id}: ${done.what} is stopped\n  sessions     ${done.sessions} stopped${done.p99_ms === null ? '' : `, 99 % within ${done.p99_ms} ms`}, ${done.failed} not yet\n` +
      `  streams      ${done.streams} ended here\n  deployments  ${done.deployments.length} paused\n`,
  )
  for (const problem of [
    ...done.not_stopped.map((id) => `session ${id} is not stopped yet; trying again`),
    ...done.problems,
  ])
    io.out(`  ! ${problem}\n`)
}

function targetOf(options: StopOptions) {
  const named = (['session', 'agent', 'team', 'caller', 'key', 'deployment'] as const).flatMap((kind) => {
    const target = options[kind]
    return target === undefined ? [] : [{ kind, target }]
  })
  const [only] = named
  if (named.length + (options.all === true ? 1 : 0) !== 1)
    throw new CommandError(
      'name one of --session, --agent, --team, --caller, --key, --deployment and --all',
      exitCodes.wrongUse,
    )
  if (options.reason === undefined && options.dryRun !== true)
    throw new CommandError('say why with --reason; everybody who is refused reads it', exitCodes.wrongUse)
  if (only === undefined) return { kind: 'all' }
  const [id = '', version] = only.kind === 'agent' ? only.target.split('@') : [only.target]
  if (version === undefined) return { ...only, target: id }
  if (!/^[1-9]\d{0,8}$/.test(version))
    throw new CommandError('a version is a whole number, such as agent_01ABC@3', exitCodes.wrongUse)
  return { kind: only.kind, target: id, version: Number(version) }
}

const units: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function readTime(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,5})([smhd])$/.exec(text) ?? []
  const ms = Number(count) * (units[unit] ?? 0)
  if (ms > 0) return ms
  throw new InvalidArgumentError('write a time such as 90s, 30m, 2h or 7d')
}

const toRow = (each: z.output<typeof stop>) => ({
  stop: each.stop_id,
  what: each.what,
  state: each.in_force ? 'in force' : each.lifted_by === '' ? 'over' : `lifted by ${each.lifted_by}`,
  until: each.until_ms === 0 ? '' : new Date(each.until_ms).toISOString(),
  ordered: new Date(each.ordered_at_ms).toISOString(),
  by: each.ordered_by,
  sessions: each.sessions,
  reason: each.reason,
})

const withAdmin = (command: Command): Command =>
  command
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
