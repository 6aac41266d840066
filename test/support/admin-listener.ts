// A real admin listener on a free port over a report that the test owns, for what is behind or before it.
import { onTestFinished } from 'vitest'
import type { Caller } from '../../src/identify/caller.ts'
import type { Denial } from '../../src/kernel/errors.ts'
import { parsePins } from '../../src/pin/pins-file.ts'
import type { UsageLine, UsageQuery, UsageReport } from '../../src/price/usage-report.ts'
import { buildShow, type ShowDeps, type ShowRefusal } from '../../src/show/show.ts'
import { callerOf } from './caller-of.ts'

/** 2026-10-15T12:00:00Z */
export const nowMs = Date.UTC(2026, 9, 15, 12)

/** One line of a report; what a test does not say is zero. */
export function usageLine(line: Partial<UsageLine> & { readonly key: string }): UsageLine {
  return {
    bucket: null,
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_5m_tokens: 0,
    cache_write_1h_tokens: 0,
    model_requests: 0,
    unpriced_requests: 0,
    running_ms: 0,
    provisional_running_ms: 0,
    idle_ms: 0,
    waiting_ms: 0,
    rescheduling_ms: 0,
    web_search_requests: 0,
    adjustments: 0,
    sessions: 0,
    cost_usd: '0',
    token_cost_usd: '0',
    adjustment_cost_usd: '0',
    runtime_cost_usd: '0',
    web_search_cost_usd: '0',
    ...line,
  }
}

/** The report of `lines` for a query, its total as given. */
export function usageReport(query: UsageQuery, lines: readonly UsageLine[], total: UsageLine): UsageReport {
  return {
    group_by: query.groupBy,
    from: new Date(query.fromMs).toISOString(),
    to: new Date(query.toMs).toISOString(),
    bucket: query.bucket ?? null,
    currency: 'USD',
    lines,
    total,
  }
}

/** Keys are the caller's role: `Bearer auditor` is a caller with the role auditor, anything else is unknown. */
function identifyByRole(rawHeaders: readonly string[]): Caller | Denial {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization')
  const role = at < 0 ? '' : (rawHeaders[at + 1]?.replace('Bearer ', '') ?? '')
  if (['viewer', 'developer', 'service', 'operator', 'auditor', 'admin'].includes(role)) {
    return callerOf({ id: `a-${role}`, team: 'payments', roles: [role] })
  }
  const code = role === '' ? 'identify.credential_missing' : 'identify.credential_unknown'
  return { kind: 'denial', code, message: `refused with ${code}`, rule: '' }
}

/** Starts the listener; it closes with the test. `refusals` and `queries` grow as it is used. */
export async function startAdminListener(deps: Partial<ShowDeps> = {}) {
  const refusals: ShowRefusal[] = []
  const queries: UsageQuery[] = []
  const app = buildShow({
    identify: identifyByRole,
    authorizeAdmin: () => null,
    clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
    loadKeyUse: async () => [],
    loadSessionTrace: async () => null,
    listPrices: () => {
      throw new Error('nobody asks for prices here')
    },
    checkPrices: async () => {
      throw new Error('nobody checks prices here')
    },
    loadAdjustments: async () => [],
    loadBudgets: async () => [],
    stops: {
      order: async () => {
        throw new Error('nobody stops anything here')
      },
      plan: async () => ({ what: '', sessions: [], streams: 0, callers: [], deployments: [] }),
      list: () => [],
      lift: async () => {
        throw new Error('nobody stopped anything here')
      },
    },
    loadToolUses: async () => [],
    chargeback: {
      periods: async () => [],
      lines: async () => ({ closed: null, lines: [] }),
      statement: nobodyCloses,
      page: () => '',
      focus: async () => [],
      close: nobodyCloses,
    },
    ask: { questions: [], answer: async () => undefined },
    reconcile: async () => {
      throw new Error('nobody reconciles here')
    },
    policyHistory: {
      disagreements: async () => ({ disagreements: [], decisions: 0, left_out: 0 }),
      decisions: async () => ({ decisions: [], unrecorded: 0, left_out: 0 }),
    },
    pinning: {
      pins: () => parsePins('', 'pins.yaml'),
      factsOf: () => ({ agentVersion: async () => null }),
      canaries: { holdOf: () => null, stateOf: () => null },
      loadVersionMaker: async () => null,
      loadRunningVersions: async () => [],
    },
    loadExposureReport: async ({ fromMs, toMs }) => ({
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      generated_at: new Date(nowMs).toISOString(),
      ...{ complete: true, problems: [], sessions: 0, pending: 0, groups: [], findings: [], left_out: 0 },
    }),
    audit: {
      bundle: async function* () {},
      prove: async () => null,
      newest: async () => [],
      keys: () => [],
    },
    loadUsageReport: async (query) => {
      queries.push(query)
      return usageReport(query, [], usageLine({ key: 'total' }))
    },
    metrics: { exposition: async () => '# TYPE tollgate_up gauge\ntollgate_up 1\n' },
    readiness: [],
    onRefused: (refusal) => void refusals.push(refusal),
    ...deps,
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const get = (path: string, role?: string, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      headers: role === undefined ? headers : { authorization: `Bearer ${role}`, ...headers },
    })
  return { url, get, refusals, queries }
}

async function nobodyCloses(): Promise<never> {
  throw new Error('nobody closes here')
}
