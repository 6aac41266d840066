import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PolicyFileError } from '../../src/kernel/errors.ts'
import { parsePins } from '../../src/pin/pins-file.ts'

const shipped = readFileSync(new URL('../../policies/pins.yaml', import.meta.url), 'utf8')

test('the shipped file marks nothing, and its example is valid as soon as it is uncommented', () => {
  expect(parsePins(shipped, 'pins.yaml').agents.size).toBe(0)
  const lines = shipped.split('\n')
  const from = (key: string) => lines.slice(lines.indexOf(`# ${key}:`))
  const example = (key: string) => {
    const part = from(key)
    return part
      .slice(
        0,
        part.findIndex((line) => !line.startsWith('#')),
      )
      .map((line) => line.slice(2))
  }
  const pins = parsePins([...example('approved'), ...example('sensitive')].join('\n'), 'pins.yaml')
  expect(pins.approved.get('agent_01DEF')).toEqual([7, 9])
  expect([...pins.agents.keys(), ...pins.teams.keys(), ...pins.environments.keys()]).toEqual([
    'agent_01ABC',
    'payments',
    'env_01',
  ])
})

test('of two entries for one thing the stricter is kept, and named by its line', () => {
  const text =
    'sensitive:\n  - {team: a, mode: force}\n  - {team: a, mode: require}\n  - {team: a, mode: force}\n'
  expect(parsePins(text, '/etc/tollgate/pins.yaml').teams.get('a')).toEqual({
    mode: 'require',
    rule: 'pins.yaml:3 team a',
  })
})

test.each([
  ['an unknown key', 'approved: {}\nsensitve: []\n', 0, 'sensitve'],
  ['an unknown key in an entry', 'sensitive:\n  - agent: a\n    mod: force\n    mode: force\n', 2, 'mod'],
  ['an unknown mode', 'sensitive:\n  - agent: a\n    mode: forced\n', 3, '`force` or `require`'],
  ['no mode', 'sensitive:\n  - agent: a\n', 2, '`force` or `require`'],
  ['nothing named', 'sensitive:\n\n  - mode: force\n', 3, 'one of'],
  ['two things named', 'sensitive:\n  - {agent: a, team: b, mode: force}\n', 2, 'one of'],
  ['a version in quotes', 'approved:\n  a: [1]\n  b: ["2"]\n', 3, 'version number'],
  ['version 0', 'approved:\n  a:\n    - 1\n    - 0\n', 4, 'from 1'],
  ['a fraction', 'approved:\n  a: [1.5]\n', 2, 'version number'],
  ['a version twice', 'approved:\n  a: [1, 2, 1]\n', 2, 'twice'],
  ['no version', 'approved:\n  a: []\n', 2, 'must list a version'],
  ['an agent twice', 'approved:\n  a: [1]\n  a: [2]\n', 3, 'unique'],
  ['broken YAML', 'approved:\n  a: [1\nsensitive: []\n', 3, ''],
  ['an alias of nothing', 'approved: *none\n', 0, 'none'],
  ['a list at the top', '- agent: a\n', 1, ''],
])('a file with %s is refused with its line and the reason', (_name, text, line, reason) => {
  try {
    parsePins(text, 'policies/pins.yaml')
    expect.unreachable()
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error
    expect(error.message).toContain(reason)
    expect(error.message.startsWith('policies/pins.yaml:')).toBe(true)
    if (line > 0) expect(error.line).toBe(line)
  }
})
