// `tollgate policy explain`: what a request would be judged by, pair by pair: the rule that allows or denies each, or
// which rules come nearest and what each of them lacks. Nothing is sent anywhere.
import { type Command, InvalidArgumentError } from 'commander'
import type { Touched } from '../authorize/ownership/touched.ts'
import { subjectOf } from '../authorize/roles.ts'
import type { Caller } from '../identify/caller.ts'
import type { CommandIo } from './command-io.ts'
import { type CallerOptions, explainedCaller } from './explain-caller.ts'
import { explainRequest, type RequestOptions } from './explain-request.ts'
import { answerAsJson, askFor, showAnswer } from './policy-answers.ts'
import {
  findFolder,
  grantTo,
  openPolicyFolder,
  type PolicyFolder,
  printJson,
  withFolder,
} from './policy-folder.ts'

type ExplainOptions = CallerOptions & RequestOptions & { readonly policies?: string; readonly json?: true }

const help = `
  tollgate policy explain --caller ci --operation sessions.create --body create.json
  tollgate policy explain --caller payments/gh-acme.app --roles service --operation sessions.list
  tollgate policy explain --token-claims claims.json --operation sessions.retrieve --param session_id=sesn_01ABC

Operations are named as in the SDK. What the agent itself carries (its model, tools, servers) is judged too when it is
handed over with --agent: the agent's JSON as the API answers it. Whose the objects are only a running gateway knows: the
ones it would ask about are listed. What pins.yaml would rewrite is judged as rewritten, where the file alone can tell.
`

/** Adds the command. The answer goes to stdout; the exit code says whether it could be given, not what it is. */
export function addPolicyExplain(policy: Command, io: CommandIo): void {
  const command = policy
    .command('explain')
    .description('say what a request would be judged by, and what it lacks')
    .option('--caller <id>', 'a caller of directory.yaml, or <team>/<name> for one that a rule makes')
    .option('--roles <roles>', 'judge as if it had these roles, such as service,viewer', readList)
    .option('--token-claims <file>', 'whoever holds a token with these claims, JSON')
    .option('--key <id>', 'with the scopes of this key of the caller')
    .requiredOption('--operation <id>', 'an operation, such as sessions.create')
    .option(
      '--param <name=value>',
      'a name in the path, such as session_id=sesn_01; may be repeated',
      gatherParam,
      {},
    )
    .option('--query <query>', 'the query, such as agent_id=agent_01')
    .option('--body <file>', 'the request body, JSON')
    .option('--agent <file>', 'the agent that would run, as the API answers it, JSON')
    .option('--user-profile <id>', 'the user profile that would be billed')
    .option('--upstream-bearer', 'with an environment key or session token of its own')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', help)
  withFolder(command).action(async (options: ExplainOptions) => {
    const opened = await openPolicyFolder(findFolder(options.policies, io))
    const caller = explainedCaller(opened, options)
    const folder = await grantTo(opened, caller)
    const request = await explainRequest(folder, caller, options)
    const answers = request.capabilities.map((capability) => askFor(folder, caller, capability))
    const refused = answers.filter(({ decision }) => !decision.allowed).length
    const verdict = refused === 0 ? 'allowed' : 'denied'
    const ownership = request.touched.map((each) => ({ ...each, any_owner: maySeeAll(folder, caller, each) }))
    const { pin, open } = request
    if (options.json) {
      const { id, roles, team, scopes } = caller
      const asked = { caller: id, team, roles, scopes, operation: options.operation }
      const capabilities = answers.map((each) => answerAsJson(folder, each))
      printJson(io, { ...asked, verdict, pin, capabilities, ownership, open })
      return
    }
    const scopes = caller.scopes === null ? '' : `, key ${caller.keyId} (${caller.scopes.join(', ')})`
    const who = `${caller.id} of team ${caller.team} with ${caller.roles.join(', ') || 'no role'}${scopes}`
    io.out(`${who}: ${options.operation}${pin === null ? '' : `\npinned: ${pin}`}\n\n`)
    io.out(answers.map((each) => showAnswer(folder, each)).join(''))
    for (const { need, kind, id, any_owner: isAny } of ownership) {
      const whose = isAny ? 'whoever owns it' : `if it is ${caller.team}'s, or visibility.${need} shares it`
      io.out(`asked    may ${need} ${kind}/${id}: ${whose}\n`)
    }
    for (const question of open) io.out(`open     ${question}\n`)
    io.out(`\n${verdict}: ${answers.length - refused} of ${answers.length} pairs are allowed\n`)
  })
}

const maySeeAll = ({ snapshot }: PolicyFolder, caller: Caller, { need }: Touched): boolean =>
  snapshot.allowsAll(subjectOf(caller), caller.team, `visibility.${need}`, 'owner')

function readList(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim())
  if (items.includes('')) throw new InvalidArgumentError('must be names with commas between them.')
  return items
}

function gatherParam(text: string, earlier: RequestOptions['param']): RequestOptions['param'] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('must be name=value.')
  return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) }
}
