// A house whose upstream lives in a time of its own, for comparing the ledger with the upstream's bill: two teams,
// agents on several models, and clients that watch well, badly or not at all.
import type Anthropic from '@anthropic-ai/sdk'
import { loadBook } from '../../src/price/book.ts'
import { loadUsageReport, type UsageQuery, type UsageReport } from '../../src/price/usage-report.ts'
import type { SessionBill } from '../../src/simulator/billing/bill.ts'
import { createManualClock, type ScenarioInput } from '../../src/simulator/simulator.ts'
import { addCaller, shareEverything } from './callers.ts'
import { openTestHouse } from './house.ts'
import { until } from './until.ts'

export type Accounting = Awaited<ReturnType<typeof openAccounting>>

type Model = Anthropic.Beta.AgentCreateParams['model']

/** Opens the house; the upstream's clock stands at `startMs` until it is advanced. */
export async function openAccounting(options: {
  readonly startMs: number
  readonly scenarios: readonly ScenarioInput[]
  readonly env?: { readonly [name: string]: string }
}) {
  const clock = createManualClock(options.startMs)
  let house = await openTestHouse({
    simulator: { clock, scenarios: options.scenarios },
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  const keys = {
    payments: addCaller(house, 'payments-ci', 'payments', 'developer'),
    search: addCaller(house, 'search-ci', 'search', 'admin'),
  }
  // The agents are one team's and run by all.
  shareEverything(house)
  await house.refreshPolicies()
  const as = (team: keyof typeof keys): Anthropic => house.client({ apiKey: keys[team] })
  const environment = await house.client().beta.environments.create({ name: 'books' })
  const agents = new Map<string, string>()
  let markers = 0

  /** Everything that was seen until now is in the ledger: the marker is the youngest record of the journal. */
  const settle = async (): Promise<void> => {
    markers += 1
    await house.client().models.list()
    await until(
      async () => {
        await house.writer.flush()
        const [row] = await house.ledger.query<{ n: string }>(
          "SELECT count() AS n FROM tollgate.exchanges FINAL WHERE operation = 'models.list'",
        )
        return Number(row?.n)
      },
      (n) => n >= markers,
    )
  }

  return {
    clock,
    as,
    settle,
    house: () => house,
    reopen: async () => {
      house = await house.reopen()
    },
    /** A session of a team on an agent of this model, playing a scenario. */
    open: async (team: keyof typeof keys, model: Model, scenario: string): Promise<string> => {
      const name = JSON.stringify(model)
      const agent = agents.get(name) ?? (await house.client().beta.agents.create({ name: 'books', model })).id
      agents.set(name, agent)
      const created = await as(team).beta.sessions.create({
        agent,
        environment_id: environment.id,
        metadata: { simulator_scenario: scenario },
      })
      return created.id
    },
    follow: (team: keyof typeof keys, id: string) => follow(as(team), id, house.simulator),
    send: async (team: keyof typeof keys, id: string): Promise<void> => {
      const content = [{ type: 'text' as const, text: 'go' }]
      await as(team).beta.sessions.events.send(id, { events: [{ type: 'user.message', content }] })
    },
    report: (query: Partial<UsageQuery> = {}): Promise<UsageReport> =>
      loadUsageReport(
        { ledger: house.ledger, book: loadBook() },
        { groupBy: 'session', fromMs: 0, toMs: Date.now() + 60_000, ...query },
      ),
    bill: (): readonly SessionBill[] => house.simulator.bill().sessions,
    close: () => house.destroy(),
  }
}

/** Follows a stream as a client does; `has` waits until it brought `times` events of a type. */
async function follow(client: Anthropic, id: string, simulator: { readonly openStreams: () => number }) {
  const stream = await client.beta.sessions.events.stream(id)
  const seen: string[] = []
  const reading = (async () => {
    for await (const event of stream) seen.push(event.type)
  })().catch(() => {})
  return {
    has: (type: string, times = 1) =>
      until(
        () => seen.filter((each) => each === type).length,
        (n) => n >= times,
      ),
    /** Hangs up, as a client does whose machine goes to sleep; resolves when the gateway has hung up too. */
    cut: async (): Promise<void> => {
      const open = simulator.openStreams()
      stream.controller.abort()
      await reading
      await until(simulator.openStreams, (streams) => streams < open)
    },
  }
}

/** Reads the whole history of a session, and of its child threads, as a careful client does. */
export async function readHistory(client: Anthropic, id: string): Promise<void> {
  for await (const _ of client.beta.sessions.events.list(id, { limit: 100 }));
  for await (const thread of client.beta.sessions.threads.list(id)) {
    if (thread.parent_thread_id === null) continue
    for await (const _ of client.beta.sessions.threads.events.list(thread.id, { session_id: id }));
  }
}

/** A session's quantities as the upstream bills them. */
export function billed({ models, running_ms }: SessionBill) {
  const sum = (pick: (model: SessionBill['models'][number]) => number) =>
    models.reduce((total, model) => total + pick(model), 0)
  return {
    input_tokens: sum((model) => model.input_tokens),
    output_tokens: sum((model) => model.output_tokens),
    cache_read_tokens: sum((model) => model.cache_read_input_tokens),
    cache_write_5m_tokens: sum((model) => model.cache_creation_5m_input_tokens),
    model_requests: sum((model) => model.requests),
    web_search_requests: sum((model) => model.web_search_requests),
    running_ms,
  }
}
