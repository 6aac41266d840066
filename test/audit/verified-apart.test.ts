// With everything on that writes into the journal (the watcher, verification of pinned sessions), an untouched log is
// sound: no record may become an entry that reads otherwise than it was written.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addCaller } from '../support/callers.ts'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { runCommand } from '../support/run-command.ts'
import { until } from '../support/until.ts'

let house: TestHouse
let auditorKey = ''

beforeAll(async () => {
  house = await openTestHouse({
    env: {
      TOLLGATE_WATCH: 'on',
      TOLLGATE_WATCH_SWEEP_MS: '200',
      TOLLGATE_AUDIT_CHECKPOINT_MS: '200',
    },
  })
  auditorKey = addCaller(house, 'eve', 'audit', 'auditor')
})
afterAll(() => house.destroy())

const kinds = async (table: string): Promise<readonly string[]> =>
  (await house.ledger.query<{ kind: string }>(`SELECT DISTINCT kind FROM ${table}`)).map(({ kind }) => kind)

async function verify() {
  const { code, out, err } = await runCommand(house, auditorKey, ['audit', 'verify'])
  return { code, text: out + err }
}

test('a log with every kind of record in it is sound', async () => {
  const client = house.client()
  const environment = await client.beta.environments.create({ name: 'prod' })
  const agent = await client.beta.agents.create({ name: 'bot', model: 'claude-sonnet-5-5' })
  writeFileSync(
    join(house.policiesDir, 'pins.yaml'),
    'default: watched\nclasses: { watched: { verified_answer: require } }\n',
  )
  await house.refreshPolicies()
  expect(house.policies.problem()).toBeNull()
  const session = await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })
  await client.beta.sessions.events.send(session.id, {
    events: [{ type: 'user.message', content: [{ type: 'text', text: 'hello' }] }],
  })
  await until(
    async () => {
      await house.writer.flush()
      return (await house.ledger.query('SELECT 1 FROM tollgate.watched_sessions')).length
    },
    (watched) => watched > 0,
  )
  await until(
    () => kinds('tollgate.audit_entries'),
    (found) => ['exchange', 'policy_change', 'verification'].every((kind) => found.includes(kind)),
  )
  await until(verify, ({ code, text }) => code === 0 && text.includes('sound'))
})
