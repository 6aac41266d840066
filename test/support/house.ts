// The whole house in a test: the real gateway with its embedded ledger, in front of a real simulator, in temporary folders.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { type Config, parseConfig } from '../../src/config.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { type House, openHouse } from '../../src/main.ts'
import { loadBook } from '../../src/price/book.ts'
import { loadUsageReport, type UsageQuery, type UsageReport } from '../../src/price/usage-report.ts'
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts'

export type TestHouse = House & {
  readonly simulator: Simulator
  readonly folder: string
  readonly policiesDir: string
  /** The admin key of the first start. */
  readonly key: string
  /** An unmodified SDK client that goes through the gateway. */
  readonly client: (options?: { readonly apiKey?: string }) => Anthropic
  /** GET on the admin listener with the admin key. */
  readonly admin: (path: string, key?: string) => Promise<Response>
  /** The usage report over all time, after everything that happened is in the ledger. */
  readonly usage: (groupBy: UsageQuery['groupBy']) => Promise<UsageReport>
  /** Makes the gateway look at `policies/` now. */
  readonly refreshPolicies: () => Promise<void>
  /** What was printed for people. */
  readonly printed: () => string
  /** Closes the gateway only and opens it again on the same folders. */
  readonly reopen: () => Promise<TestHouse>
  /** Closes everything and removes the folders. */
  readonly destroy: () => Promise<void>
}

export type HouseOptions = {
  readonly simulator?: SimulatorOptions
  readonly env?: { readonly [name: string]: string }
  /** Another upstream than the simulator. */
  readonly upstreamUrl?: string
}

/** Opens a house on free ports. */
export async function openTestHouse(options: HouseOptions = {}): Promise<TestHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-house-'))
  const simulator = await startSimulator(options.simulator)
  return open(folder, simulator, options, '')
}

async function open(
  folder: string,
  simulator: Simulator,
  options: HouseOptions,
  knownKey: string,
): Promise<TestHouse> {
  const printed: string[] = []
  const config = testConfig(folder, {
    TOLLGATE_UPSTREAM_URL: options.upstreamUrl ?? simulator.url,
    ANTHROPIC_API_KEY: simulator.apiKey,
    ...options.env,
  })
  const house = await openHouse(config, { write: (text) => void printed.push(text) }, silentLogger)
  const key = house.firstKey?.reveal() ?? knownKey
  return {
    ...house,
    simulator,
    folder,
    policiesDir: config.policiesDir,
    key,
    client: (clientOptions = {}) =>
      new Anthropic({ baseURL: house.gatewayUrl, apiKey: clientOptions.apiKey ?? key, maxRetries: 0 }),
    admin: (path, adminKey = key) =>
      fetch(house.adminUrl + path, { headers: { authorization: `Bearer ${adminKey}` } }),
    usage: (groupBy) => reportOf(house, groupBy),
    refreshPolicies: () => house.policies.refresh(),
    printed: () => printed.join(''),
    reopen: async () => {
      await house.close()
      return open(folder, simulator, options, key)
    },
    destroy: async () => {
      await house.close()
      await simulator.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Opens a house in this process on folders that another gateway has left; `usage` as in TestHouse. */
export async function openHouseOn(
  folder: string,
  env: { readonly [name: string]: string },
): Promise<House & Pick<TestHouse, 'usage'>> {
  const house = await openHouse(testConfig(folder, env), { write: () => {} }, silentLogger)
  return { ...house, usage: (groupBy) => reportOf(house, groupBy) }
}

async function reportOf(house: House, groupBy: UsageQuery['groupBy']): Promise<UsageReport> {
  await house.writer.flush()
  return loadUsageReport(
    { ledger: house.ledger, book: loadBook() },
    { groupBy, fromMs: 0, toMs: Date.now() + 60_000 },
  )
}

/** A configuration on free ports, everything under `folder`. */
export function testConfig(folder: string, env: { readonly [name: string]: string }): Config {
  const result = parseConfig(
    {
      TOLLGATE_LISTEN: '127.0.0.1:0',
      TOLLGATE_ADMIN_LISTEN: '127.0.0.1:0',
      TOLLGATE_DATA_DIR: join(folder, 'data'),
      TOLLGATE_POLICIES_DIR: join(folder, 'policies'),
      // Many tests count what reaches the upstream: only those about the watcher turn it on.
      TOLLGATE_WATCH: 'off',
      ...env,
    },
    (path) => readFileSync(path, 'utf8'),
  )
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result.config
}
