// What the pins make of a request: which classes it belongs to, what they require together, and what goes up.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { PinOutcome } from '../../src/pin/pin-outcome.ts'
import { operations } from '../../src/upstream/operations.ts'
import { openPins, pinRequest } from '../support/pin-alone.ts'

const file = `classes:
  forced: { explicit_version: force, approved_version: force, no_overrides: require }
  required: { explicit_version: require, approved_version: require, no_overrides: require }
sensitivity:
  - { agent: agent_forced, class: forced }
  - { agent: agent_required, class: required }
  - { agent: agent_orphan, class: forced }
  - { team: payments, class: required }
  - { environment: env_locked, class: forced }
approved:
  agent_forced: [2, 7]
  agent_required: [3]
  agent_plain: [5]
`
const { decide } = openPins(file)

const session = (agent: string, environment = 'env_1') =>
  `{ "agent" : ${agent}, "environment_id":"${environment}" }`
const sent = (outcome: PinOutcome) =>
  outcome.kind === 'judged' && outcome.body !== null ? outcome.body.toString() : JSON.stringify(outcome)
const denial = (outcome: PinOutcome) =>
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
])('under `force`, %s goes up as %s', async (asked, goesUp, requested) => {
  const outcome = await decide(session(asked))
  expect(sent(outcome)).toBe(session(goesUp))
  expect(outcome).toMatchObject({
    classes: ['forced'],
    agentId: 'agent_forced',
    version: 7,
    requested,
    rule: 'pins.yaml:5 agent agent_forced',
  })
})

test('any approved version satisfies, and its body goes up as it came', async () => {
  for (const version of [2, 7]) {
    const outcome = await decide(session(`{"type":"agent","id":"agent_forced","version":${version}}`))
    expect(outcome).toMatchObject({ kind: 'judged', version, body: null, findings: [] })
  }
})

test.each([
  ['"agent_required"', 'no version was named'],
  ['{"type":"agent","id":"agent_required"}', 'no version was named'],
  ['{"type":"agent","id":"agent_required","version":4}', '`4` is not approved'],
  ['{"type":"agent","id":"agent_required","version":3.0}', '`3.0` is not exactly a version'],
  ['{"type":"agent","id":"agent_required","version":"3"}', '`"3"` is not exactly a version'],
  ['{"type":"agent","id":"agent_required","version":36893488147419103235}', 'is not exactly a version'],
])('under `require`, %s is refused with the words to send instead', async (asked, why) => {
  const { code, message, rule } = denial(await decide(session(asked)))
  expect(code).toBe('pin.version_required')
  expect(message).toContain(why)
  expect(message).toContain('(class required, pins.yaml:6 agent agent_required)')
  const instead = /send `"agent": (\{.*?\})`/.exec(message)?.[1] ?? ''
  expect(rule).toBe('pins.yaml:6 agent agent_required')
  expect(await decide(session(instead))).toMatchObject({ kind: 'judged', body: null })
})

test('of several classes the stricter mode counts, and only what all of them allow', async () => {
  expect(denial(await decide(session('"agent_forced"'), { team: 'payments' })).message).toContain(
    'pins.yaml:8 team payments',
  )
  expect(denial(await decide(session('"agent_required"', 'env_locked'))).code).toBe('pin.version_required')
  expect(await decide(session('"agent_plain"', 'env_locked'))).toMatchObject({ kind: 'judged', version: 5 })
  const both = openPins(`classes:
  one: { no_overrides: { mode: require, allow: [system, tools] } }
  two: { no_overrides: { mode: observe, allow: [system, model] } }
sensitivity: [{ team: web, class: one }, { agent: agent_x, class: two }]`)
  const overriding = (id: string, field: string) =>
    both.decide(session(`{"type":"agent_with_overrides","id":"${id}","version":1,"${field}":null}`))
  expect(denial(await overriding('agent_x', 'system')).code).toBe('judged')
  expect(denial(await overriding('agent_x', 'tools')).code).toBe('pin.overrides_refused')
  expect(denial(await overriding('agent_y', 'tools')).code).toBe('judged')
})

test('an agent without an approved version does not run where one is needed, in either mode', async () => {
  const named = '{"type":"agent","id":"agent_orphan","version":1}'
  expect(denial(await decide(session(named))).message).toContain('no approved version')
  expect(denial(await decide(session('"agent_other"'), { team: 'payments' })).code).toBe(
    'pin.version_required',
  )
})

test('`observe` lets everything pass as it came, and keeps what was found', async () => {
  const { decide: watch } = openPins('classes: { c: { explicit_version: observe } }\ndefault: c')
  const outcome = await watch(session('"agent_x"'))
  expect(outcome).toMatchObject({ kind: 'judged', body: null, requested: 'latest', version: 0 })
  expect(outcome.kind === 'judged' && outcome.findings).toMatchObject([
    { mode: 'observe', requirement: 'explicit_version', requested: 'latest', className: 'c' },
  ])
})

test('an expired, a rejected and a changed approval do not count; the last one left is written', async () => {
  const pins = openPins(
    `classes: { c: { explicit_version: force, approved_version: force } }
default: c
approved:
  agent_x:
    - 1
    - { version: 2, config: "sha256:${'0'.repeat(64)}" }
    - { version: 3, expires: 2026-11-23T11:59:59Z }
rejected: { agent_x: [4] }`,
    { agents: { 'agent_x@1': {}, 'agent_x@2': {}, 'agent_x@3': {}, 'agent_x@4': {} } },
  )
  const named = (version: number) =>
    pins.decide(session(`{"type":"agent","id":"agent_x","version":${version}}`))
  expect(await named(1)).toMatchObject({ body: null, version: 1 })
  for (const version of [2, 3, 4]) expect(await named(version)).toMatchObject({ kind: 'judged', version: 1 })
  expect(await pins.decide(session('"agent_x"'))).toMatchObject({ kind: 'judged', version: 1 })
})

test('a rejected version does not run where a version must be named: by its number, as the latest or as the choice of force', async () => {
  const rejecting = (mode: string, more = '') =>
    openPins(
      `classes: { c: { explicit_version: ${mode} } }\ndefault: c\nrejected: { agent_x: [2] }\n${more}`,
      {
        agents: { 'agent_x@1': {}, 'agent_x@2': {} },
      },
    )
  const two = session('{"type":"agent","id":"agent_x","version":2}')
  for (const mode of ['require', 'force']) {
    const { decide: ask } = rejecting(mode)
    expect(denial(await ask(two)).message).toContain('`2` is rejected')
    expect(denial(await ask(session('"agent_x"'))).message).toContain('the latest, `2`, is rejected')
    expect(await ask(session('{"type":"agent","id":"agent_x","version":1}'))).toMatchObject({ body: null })
  }
  const chosen = rejecting('force', 'approved: { agent_x: [1] }\n')
  expect(sent(await chosen.decide(two))).toBe(session('{"type":"agent","id":"agent_x","version":1}'))
  expect(await rejecting('observe').decide(two)).toMatchObject({ kind: 'judged', findings: [], body: null })
})

test('an approval ends in the moment it says, and nobody is named who approved what has ended', async () => {
  const at = { nowMs: Date.parse('2026-11-23T12:00:00Z') }
  const moving = openPins(
    `classes: { c: { approved_version: require } }
default: c
approved: { agent_x: [{ version: 2, by: ada, expires: 2026-11-23T12:00:01Z }] }`,
    {
      agents: { 'agent_x@2': {} },
      get nowMs() {
        return at.nowMs
      },
    },
  )
  const two = session('{"type":"agent","id":"agent_x","version":2}')
  at.nowMs += 999
  expect(await moving.decide(two)).toMatchObject({ kind: 'judged', approvedBy: 'ada' })
  at.nowMs += 1
  const ended = await moving.decide(two)
  expect(denial(ended).message).toContain('has expired')
  expect(ended).toMatchObject({ judged: { approvedBy: '', configHash: '' } })
})

test('what is shipped looks at no more than starts of sessions and deployments and changes of tools', () => {
  const shipped = openPins(readFileSync(new URL('../../policies/pins.yaml', import.meta.url), 'utf8'))
  const looked = operations
    .filter(({ id }) => {
      let isRead = false
      const request = pinRequest('', { id })
      const asked = {
        ...request,
        get body() {
          isRead = true
          return null
        },
      }
      const outcome = shipped.pin(asked)
      if (!isRead) expect(outcome).toEqual({ kind: 'open' })
      return isRead
    })
    .map(({ id }) => id)
  expect(looked.sort()).toEqual([
    ...['deployments.create', 'deployments.update', 'sessions.create', 'sessions.update'],
  ])
  expect(shipped.reads).toEqual([])
})

test('overrides are refused whatever they hold, but those allowed; forced, they are left out', async () => {
  for (const override of ['"system":null', '"tools":[]', '"model":"claude-opus-5-5"', '"from_tomorrow":1']) {
    const asked = `{"type":"agent_with_overrides","id":"agent_forced","version":7,${override}}`
    expect(denial(await decide(session(asked))).code).toBe('pin.overrides_refused')
  }
  const plain = await decide(session('{"type":"agent_with_overrides","id":"agent_plain","tools":[]}'))
  expect(plain.kind).toBe('open')
  const lax = openPins('classes: { c: { no_overrides: { mode: force, allow: [system] } } }\ndefault: c')
  const asked = '{"type":"agent_with_overrides","id":"a","tools":[],"version":1 , "system":"s", "model":"m"}'
  expect(sent(await lax.decide(session(asked)))).toBe(
    session('{"type":"agent_with_overrides","id":"a","version":1 , "system":"s"}'),
  )
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
])(
  '%s is no readable reference: refused while any agent is sensitive, else the upstream answers',
  async (asked) => {
    expect(denial(await decide(session(asked))).code).toBe('pin.reference_unreadable')
    const onlyTeam = openPins(
      'classes: { c: { explicit_version: force } }\nsensitivity: [{ team: payments, class: c }]',
    )
    expect((await onlyTeam.decide(session(asked))).kind).toBe('open')
  },
)

test('what cannot be read counts as whatever entry there is of its kind', async () => {
  for (const body of [
    '{"agent":"agent_plain","environment_id":["env_locked"]}',
    '{"agent":"agent_plain","environment_id":"env_1","Environment_id":"env_locked"}',
  ]) {
    expect(await decide(body)).toMatchObject({ kind: 'judged', version: 5 })
  }
})

test.each([
  ['agent_name: "pay*"', '{"agent":"agent_x"}', {}],
  ['vault: vlt_1', '{"agent":"agent_x","vault_ids":["vlt_0","vlt_1"]}', {}],
  ['vault: vlt_1', '{"agent":"agent_x","vault_ids":"vlt_1"}', {}],
  [
    'memory_store: ms_1',
    '{"agent":"agent_x","resources":[{"type":"memory_store","memory_store_id":"ms_1"}]}',
    {},
  ],
  [
    'repository: "https://github.com/acme/*"',
    '{"agent":"agent_x","resources":[{"type":"github_repository","url":"https://GitHub.com/Acme/app.git"}]}',
    {},
  ],
  ['repository: "https://github.com/acme/*"', '{"agent":"agent_x","resources":[{"URL":"x"}]}', {}],
  ['metadata: { tier: gold }', '{"agent":"agent_x","metadata":{"tier":"gold"}}', {}],
  ['metadata: { tier: "*" }', '{"agent":"agent_x","metadata":{"tier":"lead"}}', {}],
  ['team: "w*b"', '{"agent":"agent_x"}', {}],
])('an entry `%s` puts %s into its class, and nothing else', async (entry, body) => {
  const world = { agents: { 'agent_x@4': { name: 'payments' }, 'agent_y@1': { name: 'other' } } }
  const pins = openPins(
    `classes: { c: { explicit_version: force } }\nsensitivity: [{ ${entry}, class: c }]`,
    world,
  )
  expect(await pins.decide(body)).toMatchObject({ kind: 'judged', classes: ['c'], version: 4 })
  const other = await pins.decide('{"agent":"agent_y","metadata":{"tier":1}}', { team: 'other' })
  expect(other.kind).toBe('open')
})

test('a deployment that is there already is judged by what it has', async () => {
  const pins = openPins(
    `classes: { c: { deployment_version: force, explicit_version: force, approved_version: force } }
sensitivity: [{ environment: env_locked, class: c }]
approved: { agent_x: [3] }`,
    {
      agents: { 'agent_x@3': {}, 'agent_x@9': {} },
      deployments: {
        good: { agent: { type: 'agent', id: 'agent_x', version: 3 }, environment_id: 'env_locked' },
        bad: { agent: { type: 'agent', id: 'agent_x', version: 9 }, environment_id: 'env_locked' },
        free: { agent: { type: 'agent', id: 'agent_x', version: 9 }, environment_id: 'env_1' },
      },
    },
  )
  const on = (deployment_id: string, id: string) => ({ id, params: { deployment_id } })
  const update = 'deployments.update'
  expect(sent(await pins.decide('{"agent":"agent_x"}', on('good', update)))).toBe(
    '{"agent":{"type":"agent","id":"agent_x","version":3}}',
  )
  expect(await pins.decide('{"name":"n"}', on('good', update))).toMatchObject({ body: null })
  expect(denial(await pins.decide('{"name":"n"}', on('bad', update))).message).toContain('has version 9')
  expect((await pins.decide('{"name":"n"}', on('free', update))).kind).toBe('open')
  expect(denial(await pins.decide('{"environment_id":"env_locked"}', on('free', update))).code).toBe(
    'pin.version_required',
  )
  expect(denial(await pins.decide('', on('bad', 'deployments.run'))).code).toBe('pin.version_required')
  expect((await pins.decide('', on('good', 'deployments.run'))).kind).toBe('judged')
})

test('a roster does not carry a sensitive agent unapproved: not when saved, and not when saved long ago', async () => {
  const member = (version: number) => ({
    multiagent: { type: 'coordinator', agents: [{ type: 'agent', id: 'agent_forced', version }] },
  })
  const pins = openPins(`${file}  agent_boss: [1, 2]\n`, {
    agents: { 'agent_boss@1': member(3), 'agent_boss@2': member(7), 'agent_boss@3': member(7) },
  })
  const run = (version: number) =>
    pins.decide(session(`{"type":"agent","id":"agent_boss","version":${version}}`))
  expect(denial(await run(1)).message).toContain('agent `agent_boss` version 1 carries it')
  expect(await run(2)).toMatchObject({ kind: 'judged', classes: ['forced'], body: null })
  // Who runs it is in its class: a boss that nobody approved does not run either.
  expect(await run(3)).toMatchObject({ kind: 'judged', version: 2, requested: '3' })
  const create = { id: 'agents.create' }
  expect(sent(await pins.decide('{"multiagent":{"agents":["agent_forced", "x y"]}}', create))).toBe(
    '{"multiagent":{"agents":[{"type":"agent","id":"agent_forced","version":7}, "x y"]}}',
  )
  const exact = '{"multiagent":{"agents":[{"type":"agent","id":"agent_forced","version":7}]}}'
  expect(await pins.decide(exact, create)).toMatchObject({ kind: 'judged', body: null })
  for (const body of [
    '{"multiagent":{"subagents":{"predefined_agents":["agent_required"]}}}',
    '{"multiagent":{"agents":[{"type":"agent","id":"agent_required","version":3.0}]}}',
  ]) {
    expect(denial(await pins.decide(body, create)).code).toBe('pin.version_required')
  }
  const other = await pins.decide(
    '{"multiagent":{"agents":["agent_other"]},"system":"not agent_forced"}',
    create,
  )
  expect(other.kind).toBe('open')
})

test('an update of an agent says which version it builds on; forced, the latest of this moment', async () => {
  const world = { agents: { 'agent_x@6': {} } }
  const asked = { id: 'agents.update', params: { agent_id: 'agent_x' } }
  const open = (mode: string) => openPins(`classes: { c: { version_guard: ${mode} } }\ndefault: c`, world)
  expect(sent(await open('force').decide('{"system":"s"}', asked))).toBe('{"system":"s","version":6}')
  expect(sent(await open('force').decide('{"version":null }', asked))).toBe('{"version":6 }')
  expect(denial(await open('require').decide('{}', asked)).code).toBe('pin.requirement_unmet')
  for (const text of ['{"version":"6"}', '{"version":6.0}', '{"Version":6}']) {
    expect(denial(await open('force').decide(text, asked)).code).toBe('pin.reference_unreadable')
  }
  expect(await open('require').decide('{"version":2}', asked)).toMatchObject({ kind: 'judged', body: null })
})

test('an override of the model keeps the region that the version is pinned to', async () => {
  const world = {
    agents: { 'agent_x@1': { model: { id: 'm', inference_geo: 'us' } }, 'agent_y@1': { model: 'm' } },
  }
  const pins = openPins('classes: { c: { override_keeps_geo: force } }\ndefault: c', world)
  const run = (id: string, model: string) =>
    pins.decide(session(`{"type":"agent_with_overrides","id":"${id}","version":1,"model":${model}}`))
  expect(sent(await run('agent_x', '"m2"'))).toContain('"model":{"id":"m2","inference_geo":"us"}')
  expect(sent(await run('agent_x', '{"id":"m2" }'))).toContain('"model":{"id":"m2","inference_geo":"us" }')
  expect(sent(await run('agent_x', '{"id":"m2","inference_geo":"eu"}'))).toContain('"inference_geo":"us"')
  expect(await run('agent_x', '{"id":"m2","inference_geo":"us"}')).toMatchObject({ body: null })
  expect(await run('agent_y', '"m2"')).toMatchObject({ body: null })
  expect(denial(await run('agent_x', '7')).code).toBe('pin.overrides_refused')
})

test('a rollout decides for whoever names no version, in any class but one that requires one', async () => {
  const rollouts = 'rollouts: { agent_x: { stable: 3, canary: 4, percent: 0, always: [team/red] } }\n'
  const pins = openPins(rollouts)
  expect(sent(await pins.decide(session('"agent_x"')))).toContain('"version":3')
  expect(sent(await pins.decide(session('"agent_x"'), { team: 'red' }))).toContain('"version":4')
  const held = openPins(rollouts, { isHeld: (id) => id === 'agent_x' })
  expect(sent(await held.decide(session('"agent_x"'), { team: 'red' }))).toContain('"version":3')
  expect((await pins.decide(session('{"type":"agent","id":"agent_x","version":9}'))).kind).toBe('open')
  const strict = openPins(`${rollouts}classes: { c: { explicit_version: require } }\ndefault: c`)
  expect(denial(await strict.decide(session('"agent_x"'))).message).toContain('"version":3')
})

test('when the upstream cannot be asked, what could be refused is, and what is only watched passes', async () => {
  const text = (mode: string) =>
    `classes: { c: { version_guard: ${mode} } }\nsensitivity: [{ agent_name: x, class: c }]`
  const asked = { id: 'agents.update', params: { agent_id: 'agent_x' } }
  await expect(openPins(text('require'), { isAway: true }).decide('{}', asked)).rejects.toMatchObject({
    code: 'pin.unavailable',
  })
  const watched = await openPins(text('observe'), { isAway: true }).decide('{}', asked)
  expect(watched.kind).toBe('open')
})

test('a file that requires nothing costs no question and no wait', () => {
  const pins = openPins('sensitivity: [{ agent: agent_x, class: open }]\napproved: { agent_x: [1] }')
  expect(pins.pin(pinRequest(session('"agent_x"')))).toEqual({ kind: 'open' })
  const shipped = openPins(
    'classes: { s: { explicit_version: observe, session_tools: observe } }\ndefault: s',
  )
  expect(shipped.pin(pinRequest(session('"agent_x"')))).not.toBeInstanceOf(Promise)
  expect([...pins.reads, ...shipped.reads]).toEqual([])
})

test('events that no class would look at are told at a glance, others by the session they go to', async () => {
  const sessions = {
    sesn_1: { agent: { id: 'agent_x', version: 1 } },
    sesn_2: { agent: { id: 'agent_y', version: 1 } },
  }
  const pins = openPins(
    'classes: { c: { no_system_messages: require } }\nsensitivity: [{ agent: agent_x, class: c }]',
    { sessions },
  )
  const send = (session_id: string, type: string) =>
    pins.decide(`{"events":[{"type":"${type}"}]}`, { id: 'sessions.events.send', params: { session_id } })
  expect((await send('sesn_1', 'user.message')).kind).toBe('open')
  expect(pins.reads).toEqual([])
  expect(denial(await send('sesn_1', 'system.message')).code).toBe('pin.requirement_unmet')
  expect((await send('sesn_2', 'system.message')).kind).toBe('open')
})

test('at most twenty sentences are said, each once', async () => {
  const members = Array.from({ length: 30 }, (_, at) => `"agent_${at}"`)
  const entries = members.map((id) => `{ agent: ${id}, class: c }`)
  const pins = openPins(`classes: { c: { approved_version: require } }\nsensitivity: [${entries.join(', ')}]`)
  const { message } = denial(
    await pins.decide(`{"multiagent":{"agents":[${members}]}}`, { id: 'agents.create' }),
  )
  expect(message).toContain('`agent_19`')
  expect(message).not.toContain('agent_20`')
  expect(message).toContain('and 10 more')
})
