// Two teams in one house, each with a caller that may do every operation there is; what one of them owns, of every kind;
// and requests spelled out to the byte.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { actionGroups } from '../../src/authorize/vocabulary.ts'
import type { Operation } from '../../src/upstream/operation-type.ts'
import { type OwnedKind, ownedByParam, ownedKindOf } from '../../src/upstream/owned-kinds.ts'
import { addCaller } from './callers.ts'
import type { TestHouse } from './house.ts'
import { type RawAnswer, send } from './raw-client.ts'

export type TwoTeams = { readonly alpha: string; readonly beta: string }

/** Rules for the house's policy: its services may do everything, but see nothing of others beyond the starter's. */
export const everyOperation = [...actionGroups]
  .filter((group) => group !== 'visibility')
  .map((group) => `p, role:service, *, ${group}.*, *, allow`)

/** Adds a caller to each of the teams `alpha` and `beta`, and these rules; returns their keys. */
export async function addTwoTeams(house: TestHouse, rules: readonly string[] = []): Promise<TwoTeams> {
  const alpha = addCaller(house, 'maker', 'alpha', 'service')
  const beta = addCaller(house, 'other', 'beta', 'service')
  appendFileSync(join(house.policiesDir, 'policy.csv'), `\n${[...everyOperation, ...rules].join('\n')}\n`)
  // What the shipped cases say of a service no longer holds.
  writeFileSync(join(house.policiesDir, 'cases.csv'), 'team,roles,action,object,expected\n')
  await house.refreshPolicies()
  const problem = house.policies.problem()
  if (problem !== null) throw new Error(problem)
  return { alpha, beta }
}

export type Asked = {
  readonly method: string
  readonly path: string
  readonly key: string
  readonly body?: object | string
  readonly betas?: string
  readonly contentType?: string
}

/** One request as an SDK would send it, and its whole answer. */
export function ask(
  house: TestHouse,
  { method, path, key, body, betas, contentType }: Asked,
): Promise<RawAnswer> {
  const bytes = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return send(house.gatewayUrl + path, {
    method,
    headers: {
      'x-api-key': key,
      'anthropic-version': '2026-10-21',
      'anthropic-beta': betas ?? betasOf(path),
      ...(bytes === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
    },
    ...(bytes === undefined ? {} : { body: bytes }),
  })
}

/** What the API asks for at this path. */
function betasOf(path: string): string {
  const [, , collection = ''] = path.split(/[/?]/)
  const facts = [...ownedKindOf.values()].find((each) => each.path === `/v1/${collection}`)
  return facts?.betas.join(',') ?? ''
}

/** Makes one of every kind, as the caller of this key, and returns the ids. */
export async function makeOneOfEach(house: TestHouse, key: string): Promise<ReadonlyMap<OwnedKind, string>> {
  const made = new Map<OwnedKind, string>()
  const make = async (kind: OwnedKind, path: string, body: object | string, contentType?: string) => {
    const answer = await ask(house, {
      method: 'POST',
      path,
      key,
      body,
      ...(contentType === undefined ? {} : { contentType }),
    })
    const text = answer.body.toString()
    if (answer.status !== 200) throw new Error(`no ${kind}: ${answer.status} ${text}`)
    const id = String(JSON.parse(text).id)
    made.set(kind, id)
    return id
  }
  const agent = await make('agent', '/v1/agents', { name: 'a', model: 'claude-sonnet-5-5' })
  const environment = await make('environment', '/v1/environments', { name: 'e' })
  const run = { agent, environment_id: environment }
  const session = await make('session', '/v1/sessions', run)
  const deployment = await make('deployment', '/v1/deployments', {
    ...run,
    name: 'd',
    initial_events: [{ type: 'user.message', content: [{ type: 'text', text: 'go' }] }],
  })
  await make('deployment_run', `/v1/deployments/${deployment}/run`, '')
  await make('vault', '/v1/vaults', { display_name: 'v' })
  const store = await make('memory_store', '/v1/memory_stores', { name: 'm' })
  await make('dream', '/v1/dreams', {
    model: 'claude-opus-4-8',
    inputs: [
      { type: 'memory_store', memory_store_id: store },
      { type: 'sessions', session_ids: [session] },
    ],
  })
  await make('file', '/v1/files', form('file', 'notes.txt', 'known'), formType)
  const manifest = '---\nname: counter\ndescription: counts\n---\n# How\n'
  await make('skill', '/v1/skills', form('files[]', 'any/SKILL.md', manifest), formType)
  await make('user_profile', '/v1/user_profiles', { name: 'Ada' })
  await make('tunnel', '/v1/tunnels', { display_name: 't' })
  await make('message_batch', '/v1/messages/batches', {
    requests: [
      {
        custom_id: 'one',
        params: { model: 'claude-sonnet-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
      },
    ],
  })
  return made
}

const boundary = 'the-boundary'
export const formType = `multipart/form-data; boundary=${boundary}`

export const form = (field: string, filename: string, text: string): string =>
  [
    `--${boundary}`,
    `content-disposition: form-data; name="${field}"; filename="${filename}"`,
    'content-type: text/plain',
    '',
    text,
    `--${boundary}--`,
    '',
  ].join('\r\n')

/** The operation's path with this id for its owned object and made-up ones for what lives inside it. */
export function pathOf({ pattern }: Operation, idOf: (kind: OwnedKind) => string): string {
  return pattern.replaceAll(/:([a-z_]+)/g, (_, name: string) => {
    const facts = ownedByParam.get(name)
    return facts === undefined ? `${name}_inside` : idOf(facts.kind)
  })
}

/** An id of the same shape that names nothing. */
export const missingIdLike = (id: string): string => `${id.slice(0, -12)}${'zZ9yY8xX7wW6'}`

/** An answer as a stranger could compare it with another: without what differs each time, and without these ids. */
export function comparable(answer: RawAnswer, ids: readonly string[]): object {
  const kept = answer.rawHeaders
    .map((text, at) => (at % 2 === 0 ? text : [answer.rawHeaders[at - 1], text].join(': ')))
    .filter((_, at) => at % 2 === 1)
    .filter((line) => !/^(request-id|date|x-tollgate-trace-id|server-timing|keep-alive):/i.test(line))
  const body = ids.reduce((text, id) => text.replaceAll(id, '<id>'), answer.body.toString('latin1'))
  return {
    status: answer.status,
    headers: kept,
    body: body.replaceAll(/"(request|trace)_id":"[^"]*"/g, '"$1_id":"<$1>"'),
  }
}
