// The provider's own account of what was used: the analytics cost report (SDK 1.12.0 resources/beta/organization/analytics/
// cost), read page by page, its fractional cents exact.
import { z } from 'zod'

/** One GET of the organisation's API with its admin key; any status is an answer. Rejects when there is none. */
export type ReadProvider = (path: string) => Promise<{ readonly status: number; readonly body: unknown }>

/** What one session, or calls outside of sessions, cost on one day. Money in pico-dollars. */
export type ProviderCost = {
  /** UTC day, `2026-10-31`. */
  readonly day: string
  /** '' for what belongs to no session. */
  readonly sessionId: string
  readonly workspaceId: string
  /** `managed_agents_api`, `messages_api`, …; '' when the provider names none. */
  readonly product: string
  readonly listPicoUsd: bigint
  /** After discounts, before credits. */
  readonly amountPicoUsd: bigint
}

export type ProviderReport = {
  readonly costs: readonly ProviderCost[]
  /** What the report knows of reaches to here; null when it says no such moment. */
  readonly refreshedAtMs: number | null
}

/** The beta under which the report is given. */
export const analyticsBeta = 'analytics-usage-cost-2026-08-24'

const centsPattern = /^(-?)(\d{1,18})(?:\.(\d{1,10}))?$/

/** Cents as the report writes them, `123.4567`, in pico-dollars; null when the text is no such amount. */
export function parseCents(text: string): bigint | null {
  const [, sign, whole, fraction = ''] = centsPattern.exec(text) ?? []
  if (whole === undefined) return null
  const pico = BigInt(whole) * 10_000_000_000n + BigInt(fraction.padEnd(10, '0'))
  return sign === '-' ? -pico : pico
}

const cents = z.string().transform((text, context) => {
  const pico = parseCents(text)
  if (pico !== null) return pico
  context.addIssue(`\`${text}\` is no amount of cents`)
  return z.NEVER
})
const named = z
  .string()
  .nullish()
  .transform((text) => text ?? '')

const page = z.object({
  data: z.array(
    z.object({
      starting_at: z.iso.datetime({ offset: true }),
      group: z.object({ session_id: named, workspace_id: named, product: named }),
      cost: z.object({ amount: cents, list_amount: cents, currency: z.literal('USD') }),
    }),
  ),
  has_more: z.boolean(),
  next_page: z.string().nullish(),
  data_refreshed_at: z.iso.datetime({ offset: true }).nullish(),
})

const dayMs = 86_400_000
/** The report covers no more days at once. */
const daysMax = 31
/** A walk that gets no further is no walk. */
const pagesMax = 10_000

/**
 * Reads the cost of every session and product, day by day. `fromMs` and `toMs` are midnights UTC, `toMs` not included.
 * Throws an `Error` that says what the provider answered instead.
 */
export async function readProviderCost(
  read: ReadProvider,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): Promise<ProviderReport> {
  const costs: ProviderCost[] = []
  let refreshedAtMs: number | null = null
  for (let startMs = fromMs; startMs < toMs; startMs += daysMax * dayMs) {
    const part = await readPart(read, startMs, Math.min(toMs, startMs + daysMax * dayMs))
    costs.push(...part.costs)
    // What any part did not know yet is not known of the whole.
    if (part.refreshedAtMs !== null)
      refreshedAtMs = Math.min(refreshedAtMs ?? part.refreshedAtMs, part.refreshedAtMs)
  }
  return { costs, refreshedAtMs }
}

async function readPart(read: ReadProvider, fromMs: number, toMs: number): Promise<ProviderReport> {
  const costs: ProviderCost[] = []
  let refreshedAtMs: number | null = null
  let next: string | null = null
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const query = new URLSearchParams({
      starting_at: new Date(fromMs).toISOString(),
      ending_at: new Date(toMs).toISOString(),
      time_bucket_width: '1d',
      limit: '1000',
      ...(next === null ? {} : { page: next }),
    })
    for (const name of ['session_id', 'workspace_id', 'product']) query.append('group_by[]', name)
    const { status, body } = await read(`/v1/organizations/analytics/cost?${query}`)
    const parsed = page.safeParse(body)
    if (status !== 200)
      throw new Error(`the provider answered its cost report with status ${status}${saying(body)}`)
    if (!parsed.success)
      throw new Error(`the provider's cost report cannot be read: ${z.prettifyError(parsed.error)}`)
    for (const { starting_at, group, cost } of parsed.data.data) {
      costs.push({
        day: new Date(starting_at).toISOString().slice(0, 10),
        sessionId: group.session_id,
        workspaceId: group.workspace_id,
        product: group.product,
        listPicoUsd: cost.list_amount,
        amountPicoUsd: cost.amount,
      })
    }
    const at = parsed.data.data_refreshed_at
    if (at) refreshedAtMs = Math.min(refreshedAtMs ?? Date.parse(at), Date.parse(at))
    next = parsed.data.next_page ?? null
    if (!parsed.data.has_more || next === null) return { costs, refreshedAtMs }
  }
  throw new Error(`the provider's cost report does not end after ${pagesMax} pages`)
}

const refusal = z.object({ error: z.object({ message: z.string().max(300) }) })

function saying(body: unknown): string {
  const parsed = refusal.safeParse(body)
  return parsed.success ? `: ${parsed.data.error.message}` : ''
}
