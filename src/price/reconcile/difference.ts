// What a difference between the ledger and the provider is called. The set is closed and documented
// (`docs/reconciliation.md`): a reader of the report learns each word once.

/** What is compared: events, running time, cost of one session, a workspace's day, the invoice. */
export type Level = 'L0' | 'L1' | 'L2' | 'L3' | 'L4'

/** Every reason, whether it is a breach, and what it means. */
export const reasons = {
  rounding: { isBreach: false, says: 'less than a cent: the provider rounds each figure by itself' },
  not_final: { isBreach: false, says: 'the provider may still change this day, or had not seen all of it' },
  dark_session: {
    isBreach: true,
    says: 'UNMETERED: a session that the ledger knows nothing of, made with another key or in the console',
  },
  messages_elsewhere: {
    isBreach: true,
    says: 'UNMETERED: calls of models outside of sessions that did not pass the gateway, or batches',
  },
  other_product: { isBreach: true, says: 'UNMETERED: a product that does not pass the gateway' },
  missed_usage: { isBreach: true, says: 'the ledger has less of this session than the provider' },
  too_much: { isBreach: true, says: 'the ledger has more than the provider' },
  unknown_to_provider: { isBreach: true, says: 'the ledger has a session that the provider does not charge' },
  price_drift: {
    isBreach: true,
    says: 'the same quantities cost something else: a price has changed',
  },
  unpriced: { isBreach: true, says: 'the ledger has usage without a price' },
  running_time: {
    isBreach: true,
    says: 'the intervals and the stated running time differ by more than a second and a thousandth',
  },
  invoice: { isBreach: true, says: 'the ledger and the invoice differ by what no other line explains' },
} as const satisfies Readonly<Record<string, { readonly isBreach: boolean; readonly says: string }>>

export type Reason = keyof typeof reasons

/** What the provider charges and the ledger never saw. */
export const unmetered: ReadonlySet<Reason> = new Set(['dark_session', 'messages_elsewhere', 'other_product'])

/** One difference. Money in pico-dollars at list price; `detail` says it in a sentence. */
export type Difference = {
  readonly level: Level
  readonly reason: Reason
  /** '' where the difference is of no one day. */
  readonly day: string
  readonly sessionId: string
  readonly workspaceId: string
  readonly product: string
  readonly ledgerPicoUsd: bigint
  readonly providerPicoUsd: bigint
  readonly detail: string
}

/** How much of a level was held against each other, and how much of it is the same within its tolerance. */
export type LevelResult = { readonly level: Level; readonly compared: number; readonly tied: number }

/** What one level found. */
export type Compared = { readonly result: LevelResult; readonly differences: readonly Difference[] }

/** A difference with nothing said yet. */
export const blankDifference = {
  day: '',
  sessionId: '',
  workspaceId: '',
  product: '',
  ledgerPicoUsd: 0n,
  providerPicoUsd: 0n,
} as const

/** Counts a level; `untied` are the differences that its tolerance does not cover. */
export function conclude(level: Level, compared: number, differences: readonly Difference[]): Compared {
  const untied = new Set(differences.filter(({ reason }) => reasons[reason].isBreach).map(keyOf)).size
  return { result: { level, compared, tied: Math.max(0, compared - untied) }, differences }
}

const keyOf = ({ day, sessionId, workspaceId, product }: Difference): string =>
  [day, sessionId, workspaceId, product].join('\n')

/** The size of an amount. */
export const sizeOf = (pico: bigint): bigint => (pico < 0n ? -pico : pico)
