// pins.yaml: what it may say, and where it is wrong when it is.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PolicyFileError } from '../../src/kernel/errors.ts'
import { matchesPattern } from '../../src/pin/matches-pattern.ts'
import { parsePins } from '../../src/pin/pins-file.ts'

const shippedFiles = ['pins.yaml', 'presets/starter/pins.yaml', 'presets/strict/pins.yaml']

test.each(shippedFiles)('the shipped %s is valid, also with its examples uncommented', (name) => {
  const text = readFileSync(new URL(`../../policies/${name}`, import.meta.url), 'utf8')
  const plain = parsePins(text, 'pins.yaml')
  expect(plain.sensitivity).toEqual([])
  const lines = text.split('\n').filter((line) => !/^(sensitivity: \[\]|approved: \{\})$/.test(line))
  const isExample = (line: string) =>
    /^# (sensitivity|approved|rejected|rollouts|four_eyes|environments|commits):|^# {3,}( *-| *agent_| *env_| *"https:)/.test(
      line,
    )
  const uncommented = lines.map((line) => (isExample(line) ? line.slice(2) : line)).join('\n')
  const pins = parsePins(uncommented, 'pins.yaml')
  expect(pins.sensitivity.map(({ kind }) => kind)).toEqual([
    ...['agent', 'agent_name', 'team', 'environment', 'repository', 'metadata'],
  ])
  expect(pins.approved.get('agent_01DEF')?.map(({ version }) => version)).toEqual([7, 9])
  expect(pins.rollouts.get('agent_01DEF')?.canary).toBe(9)
  if (name.includes('strict')) return
  expect([...pins.environments.keys(), ...pins.commits.keys()]).toEqual([
    ...['env_01', 'https://github.com/acme/app'],
  ])
})

test('what is shipped in place is the starter preset', () => {
  const [live, starter] = shippedFiles.map((name) =>
    readFileSync(new URL(`../../policies/${name}`, import.meta.url), 'utf8'),
  )
  expect(live).toBe(starter)
})

test('everything that can be said is read', () => {
  const sha = `sha256:${'ab'.repeat(32)}`
  const pins = parsePins(
    `default: c
classes:
  c: { explicit_version: off, no_overrides: { mode: require, allow: [system] }, session_tools: observe }
sensitivity:
  - { metadata: { tier: gold }, class: c }
approved: { a: [{ version: 4, config: "${sha}", by: ada, ticket: T-1, on: 2026-11-23, expires: 2027-02-01 }] }
rejected: { a: [5] }
rollouts:
  a: { stable: 4, by: metadata.user, hold: true, bounds: { sessions: 30, window: 24h, error_rate: 0.05, cost_per_session: 1.5 } }
environments: { env_1: { config: "${sha}", by: ada, on: 2026-11-23 } }
commits: { "https://github.com/acme/app": "${'0'.repeat(40)}" }
`,
    '/etc/tollgate/pins.yaml',
  )
  expect([...pins.defaultClass.requirements]).toEqual([
    ['no_overrides', { mode: 'require', allow: ['system'] }],
    ['session_tools', { mode: 'observe', allow: [] }],
  ])
  expect(pins.defaultRule).toBe('pins.yaml:1 default c')
  expect(pins.sensitivity).toEqual([
    { kind: 'metadata', subject: 'tier=gold', className: 'c', rule: 'pins.yaml:5 metadata tier=gold' },
  ])
  expect(pins.approved.get('a')).toEqual([
    {
      version: 4,
      configHash: sha,
      by: 'ada',
      ticket: 'T-1',
      onMs: Date.UTC(2026, 10, 23),
      expiresAtMs: Date.UTC(2027, 1, 1),
      rule: 'pins.yaml:6 approved a 4',
    },
  ])
  expect(pins.rollouts.get('a')).toMatchObject({
    ...{ stable: 4, canary: null, percent: 0, by: 'metadata.user', hold: true },
    bounds: { sessionsMin: 30, windowMs: 86_400_000, errorRate: 0.05, denialRate: null, costPerSession: 1.5 },
  })
  expect(pins.environments.get('env_1')).toMatchObject({ configHash: sha, by: 'ada' })
})

test.each([
  ['an unknown key', 'approved: {}\nsensitve: []\n', 2, 'sensitve'],
  ['the old key', 'approved: {}\nsensitive: []\n', 2, 'put each entry under `sensitivity`'],
  [
    'the old key before a list',
    '# old\nsensitive:\n  - agent: a\n    mode: force\n',
    2,
    '`classes: { sensitive',
  ],
  ['an unknown requirement', 'classes:\n  c:\n    explicit: force\n', 3, 'explicit'],
  ['an unknown mode', 'classes:\n  c:\n    explicit_version: forced\n', 3, '`observe`'],
  [
    'an unknown key in a requirement',
    'classes:\n  c:\n    no_overrides: { mode: force, alow: [] }\n',
    3,
    'alow',
  ],
  ['a class nobody defined', 'sensitivity:\n  - agent: a\n    class: gold\n', 3, '`gold`'],
  ['a default nobody defined', '\ndefault: gold\n', 2, '`gold`'],
  ['an unknown key in an entry', 'sensitivity:\n  - agent: a\n    clas: open\n    class: open\n', 3, 'clas'],
  ['no class', 'sensitivity:\n  - agent: a\n', 2, 'class'],
  ['nothing named', 'sensitivity:\n\n  - class: open\n', 3, 'one of'],
  ['two things named', 'sensitivity:\n  - {agent: a, team: b, class: open}\n', 2, 'one of'],
  ['two pairs', 'sensitivity:\n  - metadata: {a: "1", b: "2"}\n    class: open\n', 2, 'one key'],
  ['a version in quotes', 'approved:\n  a: [1]\n  b: ["2"]\n', 3, 'version number'],
  ['version 0', 'approved:\n  a:\n    - 1\n    - 0\n', 4, 'from 1'],
  ['a version twice', 'approved:\n  a:\n    - 1\n    - { version: 1 }\n', 4, 'twice'],
  ['no version', 'approved:\n  a: []\n', 2, 'must list a version'],
  ['a hash that is none', 'approved:\n  a: [{ version: 1, config: abc }]\n', 2, 'sha256'],
  ['a day that is none', 'approved:\n  a: [{ version: 1, expires: 2026-02-30 }]\n', 2, ''],
  ['a version both ways', 'approved: { a: [1] }\nrejected:\n  a: [1]\n', 3, 'approved too'],
  ['a rollout to nobody', 'rollouts:\n  a: { stable: 1, percent: 5 }\n', 2, 'canary'],
  ['a rejected stable', 'rejected: { a: [1] }\nrollouts:\n  a:\n    stable: 1\n', 4, 'rejected'],
  [
    'an unapproved canary',
    'approved: { a: [1] }\nrollouts:\n  a: { stable: 1, canary: 2 }\n',
    3,
    'not approved',
  ],
  ['a percentage over all', 'rollouts:\n  a: { stable: 1, canary: 2, percent: 101 }\n', 2, '100'],
  ['a commit that is none', 'commits:\n  "https://github.com/a/b": main\n', 2, 'commit'],
  ['an agent twice', 'approved:\n  a: [1]\n  a: [2]\n', 3, 'unique'],
  ['broken YAML', 'approved:\n  a: [1\nsensitivity: []\n', 3, ''],
  ['an alias of nothing', 'approved: *none\n', 0, 'none'],
  ['a list at the top', '- agent: a\n', 1, ''],
])('a file with %s is refused with its line and the reason', (_name, text, line, reason) => {
  try {
    parsePins(text, 'policies/pins.yaml')
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error
    expect(error.message).toContain(reason)
    expect(error.message.startsWith('policies/pins.yaml:')).toBe(true)
    if (line > 0) expect(error.line).toBe(line)
    return
  }
  expect.unreachable()
})

test.each([
  ['*', '', true],
  ['a*', 'abc', true],
  ['a*', 'ba', false],
  ['*a*b*', 'xxaxxbxx', true],
  ['a.c', 'abc', false],
  ['a*c', 'abcbc', true],
  ['a*c', 'abcb', false],
  ['(a+)+$', 'aaaa', false],
])('the pattern %s and the name %s: %s', (pattern, name, expected) => {
  expect(matchesPattern(pattern, name)).toBe(expected)
})
