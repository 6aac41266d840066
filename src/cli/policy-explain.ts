// `tollgate policy explain`: what a request would be judged by, pair by pair: the rule that allows or denies each, or
// which rules come nearest and what each of them lacks. Nothing is sent anywhere.
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { expandAgent, expandCapabilities } from '../authorize/capabilities.ts'
import type { Capability } from '../authorize/permit.ts'
import type { Caller } from '../identify/caller.ts'
import type { DirectoryCaller } from '../identify/directory.ts'
import { type Denial, TollgateError } from '../kernel/errors.ts'
import { createPin } from '../pin/pin.ts'
import { readJsonBody } from '../upstream/body.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { operations } from '../upstream/operations.ts'
import { CommandError, type CommandIo, exitCodes } from './command-io.ts'
import { answerAsJson, ask, showAnswer } from './policy-answers.ts'
import {
  findCaller,
  findFolder,
  openPolicyFolder,
  type PolicyFolder,
  printJson,
  withFolder,
} from './policy-folder.ts'

type ExplainOptions = {
  readonly caller: string
  readonly operation: string
  readonly param: { readonly [name: string]: string }
  readonly body?: string
  readonly agent?: string
  readonly policies?: string
  readonly json?: true
}

const help = `
  tollgate policy explain --caller ci --operation sessions.create --body create.json
  tollgate policy explain --caller ci --operation sessions.retrieve --param session_id=sesn_01ABC

Operations are named as in the SDK. What the agent itself carries (its model, tools, servers) is judged too when it is
handed over with --agent: the agent's JSON as the API answers it. Scopes of single keys are not looked at.
`

/** Adds the command. The answer goes to stdout; the exit code says whether it could be given, not what it is. */
export function addPolicyExplain(policy: Command, io: CommandIo): void {
  const command = policy
    .command('explain')
    .description('say what a request would be judged by, and what it lacks')
    .requiredOption('--caller <id>', 'a caller of directory.yaml')
    .requiredOption('--operation <id>', 'an operation, such as sessions.create')
    .option(
      '--param <name=value>',
      'a name in the path, such as session_id=sesn_01; may be repeated',
      gatherParam,
      {},
    )
    .option('--body <file>', 'the request body, JSON')
    .option('--agent <file>', 'the agent that would run, as the API answers it, JSON')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', help)
  withFolder(command).action(async (options: ExplainOptions) => {
    const folder = await openPolicyFolder(findFolder(options.policies, io))
    const caller = findCaller(folder, options.caller)
    const { capabilities, pin } = expand(folder, caller, options)
    const answers = capabilities.map(({ action, object }) =>
      ask(folder, `caller:${caller.id}`, caller.team.name, action, object),
    )
    const refused = answers.filter(({ decision }) => !decision.allowed).length
    const verdict = refused === 0 ? 'allowed' : 'denied'
    if (options.json) {
      const { id, roles, team } = caller
      const asked = { caller: id, team: team.name, roles, operation: options.operation }
      printJson(io, {
        ...asked,
        verdict,
        pin,
        capabilities: answers.map((each) => answerAsJson(folder, each)),
      })
      return
    }
    const who = `${caller.id} of team ${caller.team.name} with ${caller.roles.join(', ') || 'no role'}`
    io.out(`${who}: ${options.operation}${pin === null ? '' : `\npinned: ${pin}`}\n\n`)
    io.out(answers.map((each) => showAnswer(folder, each)).join(''))
    io.out(`\n${verdict}: ${answers.length - refused} of ${answers.length} pairs are allowed\n`)
  })
}

/** What is judged, as on the way in: read once, pinned, then spelled out. */
function expand(
  folder: PolicyFolder,
  directoryCaller: DirectoryCaller,
  options: ExplainOptions,
): { readonly capabilities: readonly Capability[]; readonly pin: string | null } {
  const operation = findOperation(options.operation)
  const params = checkParams(operation, options.param)
  const body = options.body === undefined ? null : readBytes(options.body)
  if (body !== null && operation.body !== 'json') {
    throw new CommandError(`\`${operation.id}\` takes no JSON body; leave --body out`, exitCodes.wrongUse)
  }
  const parsed = body === null ? undefined : parse(body)
  const caller = asCaller(directoryCaller)
  const pinned = createPin({ pins: () => folder.pins })({ operation, caller, body, parsed })
  if (pinned.kind === 'denied')
    throw new CommandError(`refused before any rule is asked: ${pinned.denial.message}`)
  const judged = pinned.kind === 'forced' ? parse(pinned.body) : parsed
  const own = needRead(expandCapabilities({ operation, params, parsed: judged }))
  const carried = options.agent === undefined ? [] : needRead(expandAgent(parse(readBytes(options.agent))))
  const all = new Map([...own, ...carried].map((each) => [`${each.action} ${each.object}`, each]))
  const pin =
    pinned.kind === 'open' ? null : `${pinned.agentId} at version ${pinned.version} (${pinned.rule})`
  return { capabilities: [...all.values()], pin }
}

function findOperation(id: string): Operation {
  const found = operations.find((each) => each.id === id)
  if (found !== undefined) return found
  const group = id.split('.')[0] ?? ''
  const near = operations.map((each) => each.id).filter((each) => each.startsWith(`${group}.`))
  const known = near.length > 0 ? near : [...new Set(operations.map((each) => `${each.id.split('.')[0]}.…`))]
  throw new CommandError(`\`${id}\` is no operation; there are: ${known.join(', ')}`, exitCodes.wrongUse)
}

function checkParams(operation: Operation, given: ExplainOptions['param']): ExplainOptions['param'] {
  const names = operation.pattern.split('/').flatMap((part) => (part.startsWith(':') ? [part.slice(1)] : []))
  const odd = Object.keys(given).find((name) => !names.includes(name))
  if (odd !== undefined) {
    throw new CommandError(`\`${operation.pattern}\` has no \`${odd}\`; leave it out`, exitCodes.wrongUse)
  }
  const missing = names.find((name) => given[name] === undefined)
  if (missing !== undefined) {
    throw new CommandError(`\`${operation.pattern}\` needs --param ${missing}=…`, exitCodes.wrongUse)
  }
  return given
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    throw new CommandError(`cannot read \`${path}\` (${code})`, exitCodes.wrongUse)
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return readJsonBody(bytes, { 'content-type': 'application/json' })
  } catch (error) {
    if (error instanceof TollgateError) throw new CommandError(error.message)
    throw error
  }
}

function needRead(expanded: readonly Capability[] | Denial): readonly Capability[] {
  if ('kind' in expanded) throw new CommandError(`refused before any rule is asked: ${expanded.message}`)
  return expanded
}

/** As a key without bounds would make it. */
function asCaller({ id, team, roles }: DirectoryCaller): Caller {
  const unbounded = { scopes: null, expiresMs: null, bringsUpstreamBearer: false }
  return {
    id,
    team: team.name,
    roles,
    keyId: '',
    costCentre: team.costCentre,
    via: 'key',
    subject: '',
    ...unbounded,
  }
}

function gatherParam(text: string, earlier: ExplainOptions['param']): ExplainOptions['param'] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('must be name=value.')
  return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) }
}
