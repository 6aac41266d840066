// Microseconds per decision at 10, 1,000 and 10,000 rules, indexed and (to compare) by Casbin over the whole list.
// Run: node --import tsx bench/authorize.ts
import { readFileSync } from 'node:fs'
import { createAuthorize } from '../src/authorize/authorize.ts'
import { createJudge } from '../src/authorize/judge.ts'
import { parsePolicy } from '../src/authorize/policy-file.ts'
import { expandRoles, type Grant } from '../src/authorize/roles.ts'
import { createSnapshot } from '../src/authorize/snapshot.ts'
import type { Caller } from '../src/identify/caller.ts'
import { parseDirectory } from '../src/identify/directory.ts'
import { createFirstDirectory } from '../src/identify/directory-file.ts'
import { createIdentify } from '../src/identify/identify.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { Secret } from '../src/kernel/secret.ts'
import { operations } from '../src/upstream/operations.ts'

const modelText = readFileSync(new URL('../policies/model.conf', import.meta.url), 'utf8')
const roles = ['viewer', 'service', 'developer', 'operator']
const actions = ['agent.use', 'session.create', 'session.read', 'event.send', 'vault.use', 'environment.use']

type Request = readonly [sub: string, dom: string, act: string, obj: string]

const nothing: Request = ['', '', '', '']

/** Always the same numbers, so that two runs time the same work. */
function createDice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % sides
  }
}

function kindOf(action: string): string {
  return action.slice(0, action.indexOf('.'))
}

function makePolicy(ruleCount: number) {
  const roll = createDice(ruleCount)
  const teamCount = Math.max(1, Math.round(ruleCount / 50))
  const lines = new Set(['g, role:developer, role:viewer, *', 'p, role:admin, *, *, *, allow'])
  while (lines.size < ruleCount + 1) {
    const action = actions[roll(actions.length)] ?? ''
    const object = roll(3) === 0 ? '*' : `id_${roll(40)}`
    const eft = roll(10) === 0 ? 'deny' : 'allow'
    const team = roll(20) === 0 ? '*' : `team${roll(teamCount)}`
    lines.add(`p, role:${roles[roll(roles.length)]}, ${team}, ${action}, ${kindOf(action)}/${object}, ${eft}`)
  }
  const teams = new Set(Array.from({ length: teamCount }, (_, at) => `team${at}`))
  const grants: Grant[] = [...teams].flatMap((team) =>
    Array.from({ length: 20 }, (_, at) => ({ caller: `${team}-${at}`, role: roles[at % 4] ?? '', team })),
  )
  const requests = Array.from({ length: 400 }, () => {
    const action = actions[roll(actions.length)] ?? ''
    const team = `team${roll(teamCount)}`
    return [`caller:${team}-${roll(20)}`, team, action, `${kindOf(action)}/id_${roll(60)}`] as const
  })
  return { text: [...lines].join('\n'), teams, grants, requests }
}

/** Median over rounds of the microseconds of one call. */
function timeUs(call: (at: number) => void, calls: number, rounds = 7): number {
  for (let at = 0; at < calls; at++) call(at)
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now()
    for (let at = 0; at < calls; at++) call(at)
    return ((performance.now() - start) * 1000) / calls
  })
  return times.sort((left, right) => left - right)[rounds >> 1] ?? Number.NaN
}

function show(name: string, us: number): void {
  console.log(`${name.padEnd(58)} ${us.toFixed(2).padStart(10)} us`)
}

for (const ruleCount of [10, 1_000, 10_000]) {
  const { text, teams, grants, requests } = makePolicy(ruleCount)
  const start = performance.now()
  const policy = parsePolicy(text, 'policy.csv')
  const parsedAt = performance.now()
  const snapshot = await createSnapshot({ modelText, policyText: text, policy, grants, teams })
  const builtAt = performance.now()
  console.log(`\n${policy.rules.length} rules, ${teams.size} teams, ${grants.length} callers`)
  console.log(
    `parse and lint ${(parsedAt - start).toFixed(1)} ms, build ${(builtAt - parsedAt).toFixed(1)} ms`,
  )

  const requestAt = (at: number): Request => requests[at % requests.length] ?? nothing
  const decide = (at: number): void => {
    snapshot.decide(...requestAt(at))
  }
  show('decide, asked before', timeUs(decide, 20_000))
  // A new object every time is what the memory of decisions cannot help with.
  let count = 0
  const decideNew = (at: number): void => {
    const [sub, dom, act, obj] = requestAt(at)
    snapshot.decide(sub, dom, act, `${obj}x${count++}`)
  }
  show('decide, never asked before', timeUs(decideNew, 20_000))

  const judge = await createJudge(modelText, expandRoles(policy.links, grants, teams))
  const rows = policy.rules.map(({ sub, dom, act, obj, eft }): [string, string, string, string, string] => [
    sub,
    dom,
    act,
    obj,
    eft,
  ])
  const scans = Math.max(20, Math.min(2_000, Math.round(200_000 / ruleCount)))
  show(
    'the same by Casbin over the whole list',
    timeUs((at) => judge(rows, ...requestAt(at)), scans, 3),
  )

  const operation = operations.find((each) => each.id === 'sessions.create')
  if (operation === undefined) throw new Error('no sessions.create')
  const authorize = createAuthorize({ snapshot: () => snapshot })
  const parsed = {
    agent: 'id_1',
    environment_id: 'id_2',
    vault_ids: Array.from({ length: 9 }, (_, at) => `id_${at}`),
  }
  const caller: Caller = {
    id: 'team0-2',
    team: 'team0',
    roles: ['developer'],
    keyId: 'k',
    costCentre: 'c',
    via: 'key',
    subject: '',
    scopes: null,
    expiresMs: null,
    bringsUpstreamBearer: false,
  }
  const request = { operation, caller, params: {}, path: '/v1/sessions', body: null, parsed }
  show(
    'authorize a session.create of 12 capabilities (denied)',
    timeUs(() => authorize(request), 5_000),
  )
  const admin = { ...request, caller: { ...caller, id: 'root' } }
  const allowing = await createSnapshot({
    modelText,
    policyText: text,
    policy,
    teams,
    grants: [...grants, { caller: 'root', role: 'admin', team: 'team0' }],
  })
  const authorizeAll = createAuthorize({ snapshot: () => allowing })
  show(
    'authorize a session.create of 12 capabilities (admin)',
    timeUs(() => authorizeAll(admin), 5_000),
  )
}

const pepper = new Secret('bench')
const first = createFirstDirectory({ pepper, nowMs: systemClock.nowMs() })
const directory = parseDirectory(first.text, 'directory.yaml', new Set(['admin']))
const identify = createIdentify({ directory: () => directory, pepper, clock: systemClock })
const rawHeaders = ['host', 'x', 'authorization', `Bearer ${first.key.reveal()}`, 'accept', '*/*']
console.log('')
show(
  'identify a known key',
  timeUs(() => identify(rawHeaders, ''), 20_000),
)
