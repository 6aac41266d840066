import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Caller } from '../../src/identify/caller.ts'
import { createPin } from '../../src/pin/pin.ts'
import { parsePins } from '../../src/pin/pins-file.ts'
import { readJsonBody } from '../../src/upstream/body.ts'
import { operations } from '../../src/upstream/operations.ts'
import { callerOf } from '../support/caller-of.ts'

const pins = parsePins(
  `approved:
  agent_forced: [2, 7]
  agent_required: [3]
  agent_plain: [5]
sensitive:
  - agent: agent_forced
    mode: force
  - agent: agent_required
    mode: require
  - agent: agent_orphan
    mode: force
  - team: payments
    mode: require
  - environment: env_locked
    mode: force
`,
  'policies/pins.yaml',
)
const pin = createPin({ pins: () => pins })

const callerIn = (team: string): Caller => callerOf({ id: 'ci', team, roles: [] })

const decide = (text: string, { id = 'sessions.create', team = 'web', by = pin } = {}) => {
  const operation = operations.find((candidate) => candidate.id === id)
  if (operation === undefined) throw new Error(`no operation ${id}`)
  const body = Buffer.from(text)
  const parsed = readJsonBody(body, { 'content-type': 'application/json' })
  return by({ operation, caller: callerIn(team), body, parsed })
}

const session = (agent: string, environment = 'env_1') =>
  `{ "agent" : ${agent}, "environment_id":"${environment}" }`
const forcedText = (outcome: ReturnType<typeof decide>) =>
  outcome.kind === 'forced' ? outcome.body.toString() : JSON.stringify(outcome)
const denial = (outcome: ReturnType<typeof decide>) =>
  outcome.kind === 'denied' ? outcome.denial : { code: outcome.kind, message: '', rule: '' }

test.each([
  ['"agent_forced"', '{"type":"agent","id":"agent_forced","version":7}', 'latest'],
  ['"\\u0061gent_forced"', '{"type":"agent","id":"agent_forced","version":7}', 'latest'],
  ['{"type":"agent","id":"agent_forced" }', '{"type":"agent","id":"agent_forced","version":7 }', 'latest'],
  [
    '{"version":null,"type":"agent","id":"agent_forced"}',
    '{"version":7,"type":"agent","id":"agent_forced"}',
    'latest',
  ],
  [
    '{"type":"agent","id":"agent_forced","version":1}',
    '{"type":"agent","id":"agent_forced","version":7}',
    '1',
  ],
  [
    '{"type":"agent","id":"agent_forced","version":2.0}',
    '{"type":"agent","id":"agent_forced","version":7}',
    '2.0',
  ],
  [
    '{"type":"agent","id":"agent_forced","version":2e0}',
    '{"type":"agent","id":"agent_forced","version":7}',
    '2e0',
  ],
  [
    '{"type":"agent","id":"agent_forced","version":"2"}',
    '{"type":"agent","id":"agent_forced","version":7}',
    '"2"',
  ],
  [
    '{"type":"agent","id":"agent_forced","version":1.99999999999999999999}',
    '{"type":"agent","id":"agent_forced","version":7}',
    '1.99999999999999999999',
  ],
  [
    '{"type":"agent","id":"agent_forced","\\u0076ersion":[1,{"version":2}],"x":"é"}',
    '{"type":"agent","id":"agent_forced","\\u0076ersion":7,"x":"é"}',
    '[1,{"version":2}]',
  ],
  [
    '{"type":"agent_with_overrides","id":"agent_forced"}',
    '{"type":"agent_with_overrides","id":"agent_forced","version":7}',
    'latest',
  ],
])('under `force`, %s goes up as %s', (sent, goesUp, requested) => {
  const outcome = decide(session(sent))
  expect(forcedText(outcome)).toBe(session(goesUp))
  expect(outcome).toMatchObject({
    agentId: 'agent_forced',
    version: 7,
    requested,
    rule: 'pins.yaml:6 agent agent_forced',
  })
})

test('any approved version satisfies, and its body goes up as it came', () => {
  for (const version of [2, 7]) {
    const outcome = decide(session(`{"type":"agent","id":"agent_forced","version":${version}}`))
    expect(outcome).toEqual({
      kind: 'satisfied',
      agentId: 'agent_forced',
      version,
      requested: String(version),
      rule: 'pins.yaml:6 agent agent_forced',
    })
  }
})

test.each([
  ['"agent_required"', 'no version was named'],
  ['{"type":"agent","id":"agent_required"}', 'no version was named'],
  ['{"type":"agent","id":"agent_required","version":4}', '`4` is not approved'],
  ['{"type":"agent","id":"agent_required","version":3.0}', '`3.0` is not approved'],
  ['{"type":"agent","id":"agent_required","version":"3"}', '`"3"` is not approved'],
  ['{"type":"agent","id":"agent_required","version":36893488147419103235}', 'is not approved'],
])('under `require`, %s is refused with the words to send instead', (sent, why) => {
  const { code, message, rule } = denial(decide(session(sent)))
  expect(code).toBe('pin.version_required')
  expect(message).toContain(why)
  const instead = /send `"agent": (\{.*?\})`/.exec(message)?.[1] ?? ''
  expect(rule).toBe('pins.yaml:8 agent agent_required')
  expect(decide(session(instead)).kind).toBe('satisfied')
})

test('the stricter mode wins when several entries fit', () => {
  expect(denial(decide(session('"agent_forced"'), { team: 'payments' })).rule).toBe(
    'pins.yaml:12 team payments',
  )
  expect(denial(decide(session('"agent_required"', 'env_locked'))).code).toBe('pin.version_required')
  expect(decide(session('"agent_plain"', 'env_locked'))).toMatchObject({ kind: 'forced', version: 5 })
})

test('a sensitive agent without an approved version does not run, in either mode', () => {
  const named = '{"type":"agent","id":"agent_orphan","version":1}'
  expect(denial(decide(session(named))).message).toContain('no approved version')
  expect(denial(decide(session('"agent_other"'), { team: 'payments' })).code).toBe('pin.version_required')
})

test('overrides of a sensitive agent are refused whatever they hold; of another they pass', () => {
  for (const override of ['"system":null', '"tools":[]', '"model":"claude-opus-5-5"', '"from_tomorrow":1']) {
    const sent = `{"type":"agent_with_overrides","id":"agent_forced","version":7,${override}}`
    expect(denial(decide(session(sent))).code).toBe('pin.overrides_refused')
  }
  expect(decide(session('{"type":"agent_with_overrides","id":"agent_plain","tools":[]}')).kind).toBe('open')
})

test.each([
  ['7'],
  ['null'],
  ['[]'],
  ['{}'],
  ['" agent_forced"'],
  ['{"id":"agent_forced"}'],
  ['{"type":"agent","id":["agent_forced"]}'],
  ['{"type":"Agent","id":"agent_forced","version":7}'],
  ['{"type":"agent","id":"agent_plain","ID":"agent_forced"}'],
  ['{"type":"agent","id":"agent_forced","version":7,"Version":1}'],
  ['{"type":"agent","id":"agent_forced","version":7,"ver\\u017fion":1}'],
  ['"agent_plain", "Agent":"agent_forced"'],
])('%s is no readable reference: refused while anything is sensitive, else the upstream answers', (sent) => {
  expect(denial(decide(session(sent))).code).toBe('pin.reference_unreadable')
  const onlyTeam = parsePins('sensitive: [{team: payments, mode: force}]', 'pins.yaml')
  expect(decide(session(sent), { by: createPin({ pins: () => onlyTeam }) }).kind).toBe('open')
})

test('an environment that cannot be read counts as a sensitive one', () => {
  for (const body of [
    '{"agent":"agent_plain"}',
    '{"agent":"agent_plain","environment_id":["env_locked"]}',
    '{"agent":"agent_plain","environment_id":"env_1","Environment_id":"env_locked"}',
  ]) {
    expect(decide(body)).toMatchObject({ kind: 'forced', version: 5 })
  }
})

test('deployments are pinned like sessions, and an update without `agent` only when it moves to a sensitive place', () => {
  const create = decide(session('"agent_forced"'), { id: 'deployments.create' })
  expect(forcedText(create)).toBe(session('{"type":"agent","id":"agent_forced","version":7}'))
  const update = { id: 'deployments.update' }
  expect(decide('{"agent":"agent_forced"}', update).kind).toBe('forced')
  expect(decide('{"budget":null}', update).kind).toBe('open')
  expect(decide('{"environment_id":"env_1"}', update).kind).toBe('open')
  for (const key of ['environment_id', 'Environment_id']) {
    expect(denial(decide(`{"${key}":"env_locked"}`, update)).code).toBe('pin.version_required')
  }
})

test('other operations, other agents and an empty pins file leave everything open', () => {
  expect(decide('{"agent":"agent_forced"}', { id: 'dreams.create' }).kind).toBe('open')
  expect(decide(session('"agent_plain"')).kind).toBe('open')
  const empty = parsePins('# nothing yet\n', 'pins.yaml')
  expect(decide(session('"agent_forced"'), { by: createPin({ pins: () => empty }) }).kind).toBe('open')
})

// A member list with odd keys, nested values, escapes and white space, and the agent somewhere inside it.
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
const member = fc
  .tuple(
    fc.string({ unit: 'binary' }),
    fc.oneof(fc.jsonValue({ stringUnit: 'grapheme' }), fc.string({ unit: 'binary' })),
    space,
  )
  .filter(
    ([key]) =>
      !/[\0\p{Surrogate}]/u.test(key) &&
      !['agent', 'environment_id'].includes(key.normalize('NFKC').toLowerCase()),
  )
const agentValue = fc.constantFrom(
  '"agent_forced"',
  '{"type" : "agent" ,"id":"agent_forced"\n}',
  '{"\\u0069d":"agent_forced","version" : 1 ,"note":"{\\"agent\\":\\"é😀","type":"agent"}',
)

test('a forced body differs from the sent one inside the value of `agent` only, byte for byte', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(member, { selector: ([key]) => key }),
      agentValue,
      fc.nat(),
      space,
      (members, agent, at, gap) => {
        const written = members.map(
          ([key, value, sp]) => `${sp}${JSON.stringify(key)}${sp}:${JSON.stringify(value)}${sp}`,
        )
        const place = at % (written.length + 1)
        const before = `{${[...written.slice(0, place), `${gap}"agent"${gap}:${gap}`].join(',')}`
        const after = `${[gap, ...written.slice(place)].join(',')}}`
        const outcome = decide(before + agent + after)
        if (outcome.kind !== 'forced') throw new Error(`not forced but ${JSON.stringify(outcome)}`)
        expect(outcome.body.subarray(0, Buffer.byteLength(before)).equals(Buffer.from(before))).toBe(true)
        const tail = Buffer.from(after)
        expect(outcome.body.subarray(-tail.length).equals(tail)).toBe(true)
        const sent = JSON.parse(before + agent + after)
        const named = typeof sent.agent === 'string' ? { type: 'agent', id: 'agent_forced' } : sent.agent
        expect(JSON.parse(outcome.body.toString())).toEqual({ ...sent, agent: { ...named, version: 7 } })
      },
    ),
    { numRuns: 1000 },
  )
})

test.each([
  ['sessions.update', '{"agent":{"tools":[]}}', 'pin.overrides_refused'],
  ['sessions.update', '{"Agent":{"mcp_servers":[]}}', 'pin.overrides_refused'],
  ['sessions.update', '{"title":"x"}', 'open'],
  [
    'sessions.create',
    session('{"type":"agent","id":"agent_forced","version":7,"system":"obey"}'),
    'pin.overrides_refused',
  ],
  [
    'agents.create',
    '{"multiagent":{"type":"coordinator","agents":["agent_forced"]}}',
    'pin.version_required',
  ],
  [
    'agents.update',
    '{"multiagent":{"agents":[{"type":"agent","id":"agent_forced","version":3}]}}',
    'pin.version_required',
  ],
  ['agents.update', '{"multiagent":{"agents":[{"type":"agent","id":"agent_forced","version":7}]}}', 'open'],
  [
    'agents.create',
    '{"multiagent":{"subagents":{"predefined_agents":["agent_required"]}}}',
    'pin.version_required',
  ],
  ['agents.create', '{"Multiagent":{"agents":["agent_forced"]}}', 'pin.version_required'],
  ['agents.create', '{"multiagent":{"agents":["agent_other"]},"system":"not agent_forced"}', 'open'],
])('%s cannot change or run a sensitive agent by the back door: %s is %s', (id, text, expected) => {
  expect(denial(decide(text, { id })).code).toBe(expected)
})
