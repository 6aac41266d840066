// Several accounts of the provider behind one gateway: each team is served by its own, and never by another's.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { addKey } from '../../src/identify/directory-edit.ts'
import { loadPepper } from '../../src/identify/pepper.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type House, openHouse } from '../../src/main.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'

let folder = ''
let simulators: readonly [Simulator, Simulator]
let house: House
let printed = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-upstreams-'))
  simulators = [await startSimulator(), await startSimulator()]
  const [main, payments] = simulators
  for (const [name, { apiKey }] of [
    ['main', main],
    ['payments', payments],
  ] as const) {
    writeFileSync(join(folder, `${name}.key`), `${apiKey}\n`)
  }
  const settings = join(folder, 'tollgate.yaml')
  const upstream = (name: string, { url }: Simulator) =>
    `  - { name: ${name}, url: '${url}', key_file: '${join(folder, `${name}.key`)}' }\n`
  writeFileSync(settings, `upstreams:\n${upstream('main', main)}${upstream('payments', payments)}`)
  const config = parseConfig(
    {
      TOLLGATE_CONFIG: settings,
      TOLLGATE_LISTEN: '127.0.0.1:0',
      TOLLGATE_ADMIN_LISTEN: '127.0.0.1:0',
      TOLLGATE_DATA_DIR: join(folder, 'data'),
      TOLLGATE_POLICIES_DIR: join(folder, 'policies'),
    },
    (path) => readFileSync(path, 'utf8'),
  )
  if (!config.ok) throw new Error(config.problems.join('\n'))
  house = await openHouse(
    config.config,
    {
      write: (text) => {
        printed += text
      },
    },
    silentLogger,
  )
}, 60_000)
afterAll(async () => {
  await house?.close()
  for (const simulator of simulators ?? []) await simulator.close()
  rmSync(folder, { recursive: true, force: true })
})

const directoryPath = () => join(folder, 'policies', 'directory.yaml')
const listAgents = (apiKey: string) =>
  new Anthropic({ baseURL: house.gatewayUrl, apiKey, maxRetries: 0 }).beta.agents.list()

test('a team is served by the upstream it is bound to, every other team by the first', async () => {
  const { text, key } = addKey(
    readFileSync(directoryPath(), 'utf8'),
    'directory.yaml',
    {
      caller: 'payer',
      team: 'payments',
      roles: ['developer'],
      createdMs: Date.UTC(2026, 0, 1),
      expiresMs: Date.UTC(2099, 0, 1),
    },
    { pepper: loadPepper(join(folder, 'data', 'pepper')), knownRoles: new Set(['developer', 'admin']) },
  )
  const bound = text.replace(/^( *)- name: payments$/m, '$&\n$1  upstream: payments')
  expect(bound).not.toBe(text)
  writeFileSync(directoryPath(), bound)
  await house.policies.refresh()
  expect(house.policies.problem()).toBeNull()

  const { beta } = new Anthropic({ baseURL: house.gatewayUrl, apiKey: key.reveal(), maxRetries: 0 })
  const agent = await beta.agents.create({ name: 'payer', model: 'claude-sonnet-5-5' })
  await listAgents(house.firstKey?.reveal() ?? '')
  const [main, payments] = simulators.map((simulator) =>
    simulator.requests().map(({ method, path }) => `${method} ${path.split('?')[0]}`),
  )
  expect(payments).toContain('POST /v1/agents')
  expect(main?.filter((line) => line.startsWith('POST'))).toEqual([])
  expect(main).toContain('GET /v1/agents')
  expect((await beta.agents.retrieve(agent.id)).id).toBe(agent.id)
})

test('a team bound to an upstream that is not there is refused with its line, and the last good directory stays', async () => {
  const good = readFileSync(directoryPath(), 'utf8')
  writeFileSync(directoryPath(), good.replace('upstream: payments', 'upstream: paymets'))
  await house.policies.refresh()
  expect(house.policies.problem()).toMatch(
    /^directory\.yaml:\d+.*names no upstream: `paymets`; the configuration has main, payments/,
  )
  writeFileSync(directoryPath(), good)
  await house.policies.refresh()
  expect(house.policies.problem()).toBeNull()
})

test('the banner and readiness name every upstream and show no key', async () => {
  const [main, payments] = simulators
  expect(printed).toContain(`main ${main.url} (default), payments ${payments.url}`)
  const ready = await (await fetch(`${house.adminUrl}/ready`)).text()
  for (const name of ['upstream main', 'upstream payments']) expect(ready).toContain(`"${name}"`)
  for (const { apiKey } of simulators) expect(printed + ready).not.toContain(apiKey)
})
