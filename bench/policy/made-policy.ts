// Policies of any size, always the same ones: teams of a few callers each, rules as people write them, and requests.
import { objectKindOf } from '../../src/authorize/vocabulary.ts'

export type Question = readonly [sub: string, dom: string, act: string, obj: string]

export type MadePolicy = {
  readonly policyText: string
  readonly directoryText: string
  readonly casesText: string
  readonly teams: ReadonlySet<string>
  readonly questions: readonly Question[]
}

const roles = ['viewer', 'service', 'developer', 'operator']
const actions = [
  'agent.use',
  'session.create',
  'session.read',
  'event.send',
  'vault.use',
  'environment.use',
  'model.use',
  'tool.enable',
  'mcp.connect',
  'repo.mount',
  'memory.attach',
  'egress.open',
]

/** Rules of a team and callers of a team; the rest follows. */
const rulesPerTeam = 50
const callersPerTeam = 2

/** `seed` makes another policy of the same size over the same teams and callers. */
export function makePolicy(ruleCount: number, seed = 0): MadePolicy {
  const roll = createDice(ruleCount + seed)
  const teamCount = Math.max(1, Math.round(ruleCount / rulesPerTeam))
  const lines = new Set(['g, role:developer, role:viewer, *', 'p, role:admin, *, *, *, allow'])
  while (lines.size < ruleCount + 1) {
    const action = actions[roll(actions.length)] ?? ''
    const object = roll(3) === 0 ? '*' : `id_${roll(40)}${roll(4) === 0 ? '*' : ''}`
    const eft = roll(10) === 0 ? 'deny' : 'allow'
    const team = roll(20) === 0 ? '*' : `team${roll(teamCount)}`
    lines.add(`p, role:${roles[roll(roles.length)]}, ${team}, ${action}, ${objectOf(action, object)}, ${eft}`)
  }
  const teams = new Set(Array.from({ length: teamCount }, (_, at) => `team${at}`))
  const questions = Array.from({ length: 400 }, (): Question => {
    const action = actions[roll(actions.length)] ?? ''
    const team = `team${roll(teamCount)}`
    return [`caller:${team}-${roll(callersPerTeam)}`, team, action, objectOf(action, `id_${roll(60)}`)]
  })
  return {
    policyText: `${[...lines].join('\n')}\n`,
    directoryText: directoryOf(teams),
    casesText: 'team,roles,action,object,expected\n*,admin,vault.delete,vault/vlt_1,allow\n',
    teams,
    questions,
  }
}

/** \`team0-0\` is an admin. */
function directoryOf(teams: ReadonlySet<string>): string {
  const callers = [...teams].flatMap((team, teamAt) =>
    Array.from({ length: callersPerTeam }, (_, at) => {
      const role = teamAt === 0 && at === 0 ? 'admin' : roles[(teamAt + at) % roles.length]
      const id = String(teamAt * callersPerTeam + at).padStart(12, '0')
      return [
        `  - id: ${team}-${at}`,
        `    team: ${team}`,
        `    roles: [${role}]`,
        '    keys:',
        `      - { id: "${id}", hash: "hmac-sha256:${'0'.repeat(64)}", created: 2026-01-01, expires: 2027-01-01 }`,
      ].join('\n')
    }),
  )
  const names = [...teams].map((team) => `  - { name: ${team}, cost_centre: CC }`)
  return `teams:\n${names.join('\n')}\ncallers:\n${callers.join('\n')}\n`
}

const objectOf = (action: string, id: string): string => `${objectKindOf.get(action) ?? 'unknown'}/${id}`

/** Always the same numbers, so that two runs time the same work. */
function createDice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % sides
  }
}
