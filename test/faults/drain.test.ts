// The process that writes the ledger, beside the gateway: it may die at any moment and is given nothing it does not need.
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openTestHouse, type TestHouse } from '../support/house.ts'
import { until } from '../support/until.ts'

async function openHouse(): Promise<TestHouse> {
  const house = await openTestHouse()
  onTestFinished(() => house.destroy())
  return house
}

const countExchanges = async ({ ledger }: TestHouse): Promise<number> => {
  const [row] = await ledger.query<{ n: string }>('SELECT count() AS n FROM tollgate.exchanges FINAL')
  return Number(row?.n)
}

test('a drain process that is killed comes back, and every exchange is in the ledger once', async () => {
  const house = await openHouse()
  const client = house.client()
  for (let kills = 0; kills < 3; kills += 1) {
    const pid = house.writer.pid()
    for (let call = 0; call < 20; call += 1) await client.beta.agents.list()
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    for (let call = 0; call < 20; call += 1) await client.beta.agents.list()
    await until(house.writer.pid, (now) => now !== undefined && now !== pid)
  }
  expect(await house.writer.flush()).toBe(true)
  expect(await countExchanges(house)).toBe(120)
  expect(house.writer.status().healthy).toBe(true)
})

test.skipIf(process.platform !== 'linux')(
  'the drain process is given none of the gateway’s keys',
  async () => {
    const house = await openHouse()
    const pid = house.writer.pid()
    const seen = ['environ', 'cmdline']
      .map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1'))
      .join('\0')
    expect(seen).toContain('drain-process')
    expect(seen).not.toMatch(/sk-ant-|tg_live_|ANTHROPIC|TOLLGATE/)
  },
)
