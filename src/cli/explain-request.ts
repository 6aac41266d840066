// What an explained request is judged by: read as on the way in, pinned, spelled out, with the objects whose owners would
// be asked. Nothing is sent anywhere, so what only the upstream knows is said to be open.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { expandAgent, expandCapabilities } from '../authorize/capabilities.ts'
import { findTouched, type Touched } from '../authorize/ownership/touched.ts'
import { askPassthrough } from '../authorize/passthrough.ts'
import type { Capability } from '../authorize/permit.ts'
import type { Caller } from '../identify/caller.ts'
import { type Denial, TollgateError } from '../kernel/errors.ts'
import { createPin, type PinRequest } from '../pin/pin.ts'
import type { PinFacts } from '../pin/rule.ts'
import { allRules } from '../pin/rules/all-rules.ts'
import { readJsonBody } from '../upstream/body.ts'
import type { Operation } from '../upstream/operation-type.ts'
import { operations } from '../upstream/operations.ts'
import { CommandError, exitCodes } from './command-io.ts'
import type { PolicyFolder } from './policy-folder.ts'

export type RequestOptions = {
  readonly operation: string
  readonly param: { readonly [name: string]: string }
  readonly query?: string
  readonly body?: string
  readonly agent?: string
  readonly userProfile?: string
}

export type ExplainedRequest = {
  readonly capabilities: readonly Capability[]
  /** Objects that must be the caller's team's own, or shared with it. */
  readonly touched: readonly Touched[]
  /** What pins.yaml makes of it; null when it says nothing. */
  readonly pin: string | null
  /** What is judged besides, and is not known here. */
  readonly open: readonly string[]
}

/** What is judged of this request of this caller. Throws CommandError when it would be refused before any rule is asked. */
export async function explainRequest(
  folder: PolicyFolder,
  caller: Caller,
  options: RequestOptions,
): Promise<ExplainedRequest> {
  const operation = findOperation(options.operation)
  const params = checkParams(operation, options.param)
  const body = options.body === undefined ? null : readBytes(options.body)
  if (body !== null && operation.body !== 'json') {
    throw new CommandError(`\`${operation.id}\` takes no JSON body; leave --body out`, exitCodes.wrongUse)
  }
  const saved = options.agent === undefined ? null : parse(readBytes(options.agent))
  const { judged, pin, isFloating } = await applyPins(folder, { operation, caller, params, body }, saved)
  const { userProfile } = options
  const own = [
    ...needRead(expandCapabilities({ operation, params, parsed: judged })),
    ...needRead(askPassthrough(caller, operation)),
    ...(userProfile === undefined
      ? []
      : [{ action: 'user_profile.use', object: `user_profile/${userProfile}` }]),
  ]
  const path = pathOf(operation, params, options.query)
  const touched = findTouched({
    operation,
    params,
    path,
    capabilities: own,
    ...(userProfile === undefined ? {} : { userProfile }),
  })
  const carried = saved === null ? [] : needRead(expandAgent(saved))
  const all = new Map([...own, ...carried].map((each) => [`${each.action} ${each.object}`, each]))
  const open = [...(isFloating ? [whichVersion] : []), ...openQuestions(operation, judged, options)]
  return { capabilities: [...all.values()], touched, pin, open }
}

const whichVersion =
  'pins.yaml looks at this agent and nobody chose a version: what force would write, and whether it meets the class, the ' +
  'upstream says; hand its latest over with --agent, or ask the gateway with the header `x-tollgate-dry-run: true`'

/** The pins of the folder, on what they can tell without asking the upstream but for the one agent handed over. */
async function applyPins(
  { pins }: PolicyFolder,
  request: Omit<PinRequest, 'parsed'>,
  saved: unknown,
): Promise<{ readonly judged: unknown; readonly pin: string | null; readonly isFloating: boolean }> {
  const parsed = request.body === null ? undefined : parse(request.body)
  const pin = createPin({
    pins: () => pins,
    rules: allRules,
    nowMs: Date.now,
    factsOf: () => ({ ...nothingKnown, agentVersion: findSaved(saved) }),
    isHeld: () => false,
  })
  const pinned = await pin({ ...request, parsed })
  if (pinned.kind === 'open') return { judged: parsed, pin: null, isFloating: false }
  if (pinned.kind === 'denied') {
    throw new CommandError(`refused before any rule is asked: ${pinned.denial.message}`)
  }
  const { agentId, version, classes, rule } = pinned
  const name = version === 0 ? agentId : `${agentId} at version ${version}`
  return {
    judged: pinned.body === null ? parsed : parse(pinned.body),
    pin: `${name === '' ? `class ${classes.join(', ')}` : name} (${rule})`,
    isFloating: agentId !== '' && version === 0,
  }
}

/** The agent of --agent, for its own id and as its latest version; of any other nothing is known. */
function findSaved(saved: unknown): PinFacts['agentVersion'] {
  const read = savedAgent.safeParse(saved)
  if (!read.success) return nothing
  const { id, version } = read.data
  return async (asked, wanted) =>
    asked === id && (wanted === null || wanted === version) ? { id, version, config: read.data } : null
}

const savedAgent = z.looseObject({ id: z.string(), version: z.int().min(1) })

/** The upstream is not asked: to the rules it is as if nothing were there. */
const nothing = async (): Promise<null> => null
const nothingKnown: PinFacts = {
  ...{ agentVersion: nothing, latestSkillVersion: nothing, environment: nothing },
  ...{ deployment: nothing, session: nothing, ownerTeam: nothing },
}

function openQuestions({ id }: Operation, body: unknown, { agent }: RequestOptions): readonly string[] {
  const text = JSON.stringify(body ?? '')
  const open: string[] = []
  if (agent === undefined && runs.has(id) && text.includes('"agent"')) {
    open.push('what the saved agent carries is judged too; hand it over with --agent')
  }
  if (id === 'sessions.events.send' && text.includes('"user.tool_confirmation"')) {
    open.push('which tool is confirmed is read from the session: `tool/*` stands for any')
  }
  return open
}

const runs: ReadonlySet<string> = new Set(['sessions.create', 'deployments.create', 'deployments.update'])

function pathOf({ pattern }: Operation, params: RequestOptions['param'], query: string | undefined): string {
  const path = pattern.replaceAll(/:([a-z_]+)/g, (_, name: string) => params[name] ?? '')
  return query === undefined ? path : `${path}?${query.replace(/^\?/, '')}`
}

function findOperation(id: string): Operation {
  const found = operations.find((each) => each.id === id)
  if (found !== undefined) return found
  const group = id.split('.')[0] ?? ''
  const near = operations.map((each) => each.id).filter((each) => each.startsWith(`${group}.`))
  const known = near.length > 0 ? near : [...new Set(operations.map((each) => `${each.id.split('.')[0]}.…`))]
  throw new CommandError(`\`${id}\` is no operation; there are: ${known.join(', ')}`, exitCodes.wrongUse)
}

function checkParams(operation: Operation, given: RequestOptions['param']): RequestOptions['param'] {
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
