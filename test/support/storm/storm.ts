// A storm: thousands of calls that break off at every phase, mixed with whole ones, against a gateway that says what it
// holds. No vitest in here: `npm run soak` runs it too.
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { bothSidesLeave } from './both-leave.ts'
import type { StormCase } from './cases.ts'
import { clientLeaves } from './client-leaves.ts'
import { type StormGateway, startStormGateway } from './gateway-process.ts'
import type { Holdings } from './messages.ts'
import { nobodyLeaves } from './nobody-leaves.ts'
import { type StormUpstream, startStormUpstream } from './upstream.ts'
import { upstreamCuts } from './upstream-cuts.ts'

export type StormReport = {
  readonly calls: number
  readonly exchanges: number
  /** Calls by case, for those who look. */
  readonly cases: ReadonlyMap<string, number>
  /** What did not end as it should, in words; empty when all is well. */
  readonly faults: readonly string[]
  /** After all connections had time to be given back. */
  readonly left: Holdings & { readonly socketsAtUpstream: number }
  /** After the warm-up, the first half, the second half. */
  readonly heapBytes: readonly [number, number, number]
}

const concurrency = 24
const caseLimitMs = 20_000

/** Plays `calls` calls: a fifth to warm up, then two equal halves. */
export async function storm(calls: number): Promise<StormReport> {
  const upstream = await startStormUpstream()
  const gateway = await startStormGateway(upstream.url)
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency })
  const all = [...clientLeaves, ...upstreamCuts, ...bothSidesLeave, ...nobodyLeaves(agent)]
  const faults: string[] = []
  const cases = new Map<string, number>()
  let exchanges = 0
  let played = 0
  const round = async (count: number): Promise<number> => {
    const end = played + count
    const expected = new Map<string, StormCase>()
    const player = async (): Promise<void> => {
      for (;;) {
        if (played >= end) return
        const one = pick(all, played)
        const tag = `storm-${played}`
        played += 1
        expected.set(tag, one)
        cases.set(one.name, (cases.get(one.name) ?? 0) + 1)
        await play(one, gateway, upstream, tag).catch(
          (error) => void faults.push(`${one.name}: ${error.message}`),
        )
      }
    }
    await Promise.all(Array.from({ length: concurrency }, player))
    await idle(gateway)
    for (const [tag, one] of expected) faults.push(...misendings(gateway, tag, one))
    exchanges += [...gateway.settled.values()].reduce((sum, records) => sum + records.length, 0)
    gateway.forget()
    return gateway.heapBytes()
  }
  try {
    const half = Math.floor((calls * 2) / 5)
    const heapBytes = [await round(calls - 2 * half), await round(half), await round(half)] as const
    agent.destroy()
    const left = await settledDown(gateway, upstream)
    return { calls, exchanges, cases, faults, left, heapBytes }
  } finally {
    agent.destroy()
    await gateway.close()
    await upstream.close()
  }
}

// Neighbours in time are different cases, and the same case meets different neighbours.
function pick(all: readonly StormCase[], at: number): StormCase {
  const one = all[(at * 7 + Math.floor(at / all.length)) % all.length]
  if (one === undefined) throw new Error('a storm without cases')
  return one
}

async function play(
  one: StormCase,
  gateway: StormGateway,
  upstream: StormUpstream,
  tag: string,
): Promise<void> {
  const limit = new AbortController()
  const late = delay(caseLimitMs, null, { signal: limit.signal }).then(
    () => Promise.reject(new Error('it hangs')),
    () => {},
  )
  const stage = { gatewayUrl: gateway.url, upstream, tag, settled: () => gateway.whenSettled(tag) }
  await Promise.race([one.play(stage), late])
  limit.abort()
}

function misendings(gateway: StormGateway, tag: string, one: StormCase): readonly string[] {
  const records = gateway.settled.get(tag) ?? []
  const ends = records.map(({ end_reason, status }) => `${end_reason} ${status}`)
  const wanted = one.records ?? 1
  if (ends.length === wanted && ends.every((end) => one.ends.includes(end))) return []
  return [`${one.name}: settled [${ends.join(', ')}], wanted ${wanted} of [${one.ends.join(', ')}]`]
}

async function idle(gateway: StormGateway): Promise<void> {
  await holdingsUntil(gateway, (seen) => seen.openExchanges === 0 && seen.upstreamCalls === 0)
}

async function settledDown(gateway: StormGateway, upstream: StormUpstream): Promise<StormReport['left']> {
  const seen = await holdingsUntil(gateway, (now) => now.clientSockets === 0 && now.upstreamSockets === 0)
  return { ...seen, socketsAtUpstream: upstream.openSockets() }
}

/** The first holdings that are as wanted, or the last ones seen when that does not happen. */
async function holdingsUntil(gateway: StormGateway, isIt: (seen: Holdings) => boolean): Promise<Holdings> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const seen = await gateway.holdings()
    if (isIt(seen) || performance.now() > deadline) return seen
    await delay(50)
  }
}
