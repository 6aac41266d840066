// Edits of pins.yaml that a reviewer still recognises, and that always read back.
import { expect, test } from 'vitest'
import { approveVersion, changeRollout, rejectVersion, setCanary } from '../../src/pin/pins-edit.ts'
import { parsePins } from '../../src/pin/pins-file.ts'

const hash = `sha256:${'ab'.repeat(32)}`
const approval = (version: number, more: { readonly note?: string; readonly expiresAtMs?: number } = {}) => ({
  ...{ agentId: 'agent_1', version, configHash: hash, by: 'ada', ticket: 'SEC-12' },
  ...{ onMs: Date.UTC(2026, 10, 23), expiresAtMs: null, note: '', ...more },
})
const text = `# Who may run what.
approved:
  agent_1:
    - 3 # the first
  agent_2: [7]
rejected: {}
rollouts:
  # slowly
  agent_1: { stable: 3, percent: 0, always: [ team/red ] }
`
const file = 'pins.yaml'

test('an approval is added with its content, and every other line stays', () => {
  const edited = approveVersion(
    text,
    file,
    approval(4, { note: 'made by bob (red)', expiresAtMs: Date.UTC(2027, 1, 1) }),
  )
  const entry = `{ version: 4, config: ${hash}, by: ada, ticket: SEC-12, on: 2026-11-23, expires: 2027-02-01 }`
  expect(edited).toBe(
    text.replace('the first\n', `the first\n    # made by bob (red)\n    - ${entry.replace(hash, hash)}\n`),
  )
  expect(parsePins(edited, file).approved.get('agent_1')?.[1]).toMatchObject({
    ...{ version: 4, configHash: hash, by: 'ada', ticket: 'SEC-12' },
    expiresAtMs: Date.UTC(2027, 1, 1),
  })
})

test.each(['', '# nothing yet\n', 'approved: {}\n', 'approved:\n', 'approved: { agent_2: [7] }\n'])(
  'an approval finds its place in %j',
  (start) => {
    const edited = approveVersion(start, file, approval(4, { note: 'a note' }))
    expect(
      parsePins(edited, file)
        .approved.get('agent_1')
        ?.map(({ version }) => version),
    ).toEqual([4])
  },
)

test('approving again replaces what was approved, and makes it the newest', () => {
  const edited = approveVersion(approveVersion(text, file, approval(4)), file, approval(3))
  const approvals = parsePins(edited, file).approved.get('agent_1')
  expect(approvals?.map(({ version, configHash }) => [version, configHash])).toEqual([
    [4, hash],
    [3, hash],
  ])
})

test('a rejected version cannot be approved, and a rejection ends the approval', () => {
  const rejected = rejectVersion(text, file, 'agent_2', 7)
  const pins = parsePins(rejected, file)
  expect([pins.approved.has('agent_2'), pins.rejected.get('agent_2')]).toEqual([false, new Set([7])])
  expect(() => approveVersion(rejected, file, { ...approval(7), agentId: 'agent_2' })).toThrow('is rejected')
  expect(() => rejectVersion(rejected, file, 'agent_2', 7)).toThrow('already')
})

test('a version that somebody gets cannot be rejected', () => {
  expect(() => rejectVersion(text, file, 'agent_1', 3)).toThrow('is the stable version')
  const started = setCanary(approveVersion(text, file, approval(4)), file, {
    ...{ agentId: 'agent_1', canary: 4, percent: 10, stable: undefined },
  })
  expect(() => rejectVersion(started, file, 'agent_1', 4)).toThrow('tollgate pins rollback agent_1')
})

test('a rollout goes its steps: canary, hold, release, promote; and back', () => {
  const wanted = { agentId: 'agent_1', canary: 4, percent: 10, stable: undefined }
  const started = setCanary(approveVersion(text, file, approval(4)), file, wanted)
  const rolloutOf = (from: string) => parsePins(from, file).rollouts.get('agent_1')
  const step = (from: string, change: 'hold' | 'release' | 'promote' | 'rollback') =>
    changeRollout(from, file, { agentId: 'agent_1', change, nowMs: 1_800_000_000_001 })
  expect(rolloutOf(started)).toMatchObject({ stable: 3, canary: 4, percent: 10, always: ['team/red'] })
  const held = step(started, 'hold')
  expect(rolloutOf(held)).toMatchObject({ hold: true })
  const released = step(held, 'release')
  expect(rolloutOf(released)).toMatchObject({ hold: false, releasedMs: 1_800_000_001_000 })
  const promoted = rolloutOf(step(released, 'promote'))
  expect(promoted).toMatchObject({
    stable: 4,
    canary: null,
    percent: 0,
    releasedMs: null,
    always: ['team/red'],
  })
  expect(rolloutOf(step(held, 'rollback'))).toMatchObject({ stable: 3, canary: null, hold: false })
  expect(step(held, 'rollback')).toContain('# slowly')
})

test('what would not read back is not written: a canary that nobody approved', () => {
  const wanted = { agentId: 'agent_1', canary: 9, percent: 10, stable: undefined }
  expect(() => setCanary(text, file, wanted)).toThrow('is not approved')
  expect(() => setCanary(text, file, { ...wanted, agentId: 'agent_9' })).toThrow('name its stable version')
  expect(() => changeRollout(text, file, { agentId: 'agent_1', change: 'promote', nowMs: 0 })).toThrow(
    'no canary',
  )
})
