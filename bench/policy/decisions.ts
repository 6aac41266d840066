// Microseconds of one decision and of one session.create of twelve capabilities, beside Casbin over the whole list.

import { createJudge } from '../../src/authorize/judge.ts'
import { grantsOf } from '../../src/authorize/load-policies.ts'
import { parsePolicy } from '../../src/authorize/policy-file.ts'
import { expandRoles } from '../../src/authorize/roles.ts'
import { createRuleBook } from '../../src/authorize/rule-book.ts'
import type { RuleRow } from '../../src/authorize/rule-index.ts'
import { createSnapshot, type Snapshot } from '../../src/authorize/snapshot.ts'
import type { Caller } from '../../src/identify/caller.ts'
import { parseDirectory } from '../../src/identify/directory.ts'
import { runAtOnce } from '../../src/kernel/turns.ts'
import { operations } from '../../src/upstream/operations.ts'
import { authorizeAlone } from '../../test/support/authorize-alone.ts'
import { callerOf } from '../../test/support/caller-of.ts'
import { type PolicyFigure, timeUs } from './figures.ts'
import { type MadePolicy, makePolicy, type Question } from './made-policy.ts'

/** The bars of 10,000 rules hold for fewer rules too. */
const decisionBarUs = 20
const sessionBarUs = 60

/** What the session.create asks for in all. */
const capabilityCount = 12

export async function measureDecisions(
  modelText: string,
  ruleCount: number,
): Promise<readonly PolicyFigure[]> {
  const made = makePolicy(ruleCount)
  const { policyText, questions, teams } = made
  const policy = parsePolicy(policyText, 'policy.csv')
  const grants = grantsOf(parseDirectory(made.directoryText, 'directory.yaml', policy.roles))
  const snapshot = await createSnapshot({ modelText, policyText, policy, grants, teams })
  const at = (index: number): Question => questions[index % questions.length] ?? ['', '', '', '']
  const again = timeUs((index) => snapshot.decide(...at(index)), 20_000)
  let count = 0
  const neverSeen = timeUs((index) => {
    const [sub, dom, act, obj] = at(index)
    snapshot.decide(sub, dom, act, `${obj}x${count++}`)
  }, 20_000)
  const judge = await createJudge(modelText, expandRoles(policy.links, grants, teams))
  const rows: RuleRow[] = [...runAtOnce(createRuleBook(policy)).rows]
  const scans = Math.max(20, Math.min(2_000, Math.round(200_000 / ruleCount)))
  const whole = timeUs((index) => judge(rows, ...at(index)), scans, scans)
  const of = (what: string) => `${ruleCount} rules: ${what}`
  return [
    { what: of('a decision, asked before'), value: again, unit: 'us', bar: decisionBarUs },
    { what: of('a decision on an object never seen'), value: neverSeen, unit: 'us', bar: decisionBarUs },
    { what: of('the same by Casbin over the whole list'), value: whole, unit: 'us' },
    ...measureSessions(snapshot, made, ruleCount),
  ]
}

/** Through `authorize` whole, expansion of the body included: allowed, and with names that no one has seen before. */
function measureSessions(
  snapshot: Snapshot,
  { teams }: MadePolicy,
  ruleCount: number,
): readonly PolicyFigure[] {
  const operation = operations.find((each) => each.id === 'sessions.create')
  if (operation === undefined) throw new Error('no sessions.create')
  const authorize = authorizeAlone({ snapshot: () => snapshot })
  const [team = ''] = teams
  const callerAt = (at: number) => callerOf({ id: `${team}-${at}`, team, roles: ['developer'] })
  let count = 0
  const create = (caller: Caller, fresh: boolean, vaults: number) => {
    const suffix = fresh ? `_${count++}` : ''
    const parsed = {
      agent: { type: 'agent', id: `id_1${suffix}`, version: 3 },
      environment_id: `id_2${suffix}`,
      vault_ids: Array.from({ length: vaults }, (_, at) => `id_${at}${suffix}`),
    }
    return authorize({ operation, caller, params: {}, path: '/v1/sessions', body: null, parsed })
  }
  const [admin, other] = [callerAt(0), callerAt(1)]
  const bare = create(admin, true, 0)
  if (!('capabilities' in bare)) throw new Error(`the admin was denied: ${bare.message}`)
  const vaults = capabilityCount - bare.capabilities.length
  const time = (caller: Caller, fresh: boolean) => timeUs(() => create(caller, fresh, vaults), 3_000)
  const of = (what: string) => `${ruleCount} rules: session.create of ${capabilityCount}, ${what}`
  const bar = sessionBarUs
  return [
    { what: of('asked before, allowed'), value: time(admin, false), unit: 'us', bar },
    { what: of('names never seen, allowed'), value: time(admin, true), unit: 'us', bar },
    { what: of('names never seen, denied and explained'), value: time(other, true), unit: 'us' },
  ]
}
