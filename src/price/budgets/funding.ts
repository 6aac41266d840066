// Whether there is money left for what somebody wants to begin, and how much of it a new session may have. What was granted
// counts from that moment until the ledger shows it, so a crowd of creators cannot spend the same dollar twice.
//
// Several gateways grant from one budget without asking each other. Each may grant its part (one of n) of what the ledger
// showed as left, less what it granted since; and what it granted goes on counting for a while after the ledger shows it, so
// that another gateway's older look cannot grant it again. The sum of all grants is then never more than what was left.
import type { Denial } from '../../kernel/errors.ts'
import type { LiveSession } from '../../ledger/queries/live-sessions.ts'
import { amountOf, denied, exhausted, percentOf, unavailable, usd } from './budget-words.ts'
import type { Budget, Budgets } from './budgets-file.ts'
import { type Grant, justMade } from './grant.ts'
import {
  type BudgetDims,
  type BudgetShare,
  isHolding,
  isMoney,
  leftOf,
  type Standing,
  shareOf,
  windowOf,
} from './standing.ts'

/** What somebody wants to begin. */
export type FundingRequest = {
  /** Names the grant until it is settled; the exchange. */
  readonly ticket: string
  readonly kind:
    | 'session' // a session is made, and may have a limit
    | 'raise' // the limit of one is moved
    | 'deployment' // makes sessions later, each with this limit
    | 'work' // goes on, or asks a model directly
  readonly dims: BudgetDims
  /** The limit that is asked for, in cents; null for none, or one that cannot be read. */
  readonly askedCents: bigint | null
  /** True when it asks that a limit be taken away. */
  readonly removes: boolean
  /** The session it is about, as last seen; null for one that is being made, or that nobody has seen. */
  readonly session: LiveSession | null
}

export type Funding =
  | Denial
  | {
      /** The limit it must have upstream; null leaves it as it is. */
      readonly limitCents: bigint | null
      /** The budget that decided the limit, `budgets.yaml:12`; '' without one. */
      readonly rule: string
      /** What to tell its caller of budgets that are nearly used up; '' for nothing. */
      readonly near: string
    }

/** How a grant ended: the session it went to, or that nothing came of it, or that nobody knows. */
export type Settled =
  | { readonly kind: 'given'; readonly sessionId: string }
  | { readonly kind: 'void' | 'unknown' }

export type BudgetState = {
  readonly share: BudgetShare
  readonly fromMs: number
  readonly untilMs: number | null
  readonly spent: bigint
  readonly held: bigint
}

export type FundingDesk = {
  /** Takes over a newer standing. */
  readonly take: (standing: Standing) => void
  readonly fund: (request: FundingRequest) => Funding
  readonly settle: (ticket: string, how: Settled) => void
  /** A session that lives, as last seen, or as it was granted a moment ago; null for any other. */
  readonly sessionOf: (sessionId: string) => LiveSession | null
  /** Sessions that grants wait to see. */
  readonly awaited: () => readonly string[]
  /** Every share with what is used and held of it; null before the first look. */
  readonly states: () => readonly BudgetState[] | null
}

const newGrant = { settledAtMs: 0, isUnknown: false, shownSinceMs: 0 }

/** A grant nobody has seen anything of is let go: a session that was never made, or that ended unseen. */
const unseenMs = 10 * 60_000
const unknownMs = 2 * 60_000

const free: Funding = { limitCents: null, rule: '', near: '' }

/**
 * Opens the desk. `overlapMs` must be more than the age any gateway's standing ever has.
 * With no standing yet it refuses what a hard budget counts: nobody may grant what they cannot see.
 */
export function openFundingDesk(deps: {
  readonly budgets: () => Budgets
  readonly nowMs: () => number
  readonly overlapMs: number
}): FundingDesk {
  let standing: Standing | null = null
  const grants = new Map<string, Grant>()

  const sharesOf = (dims: BudgetDims): readonly BudgetShare[] => {
    const nowMs = deps.nowMs()
    return deps.budgets().budgets.flatMap((budget) => {
      const share = windowOf(budget, nowMs) === null ? null : shareOf(budget, dims)
      return share === null ? [] : [share]
    })
  }
  const grantedOf = (now: Standing, { budget, key }: BudgetShare): bigint => {
    let sum = 0n
    for (const grant of grants.values()) {
      const share = shareOf(budget, grant.dims)
      if (share !== null && share.key === key) sum += now.worthOf(budget, grant.dims.team, grant.cents)
    }
    return sum
  }
  const leftIn = (now: Standing, share: BudgetShare): bigint => {
    const { limit } = share.budget
    const left = limit - now.spentOf(share) - now.heldOf(share)
    const part = left > 0n && isMoney(share.budget) ? left / BigInt(now.gateways) : left
    return isMoney(share.budget) ? part - grantedOf(now, share) : part
  }
  const nearOf = (now: Standing, shares: readonly BudgetShare[]): string => {
    const told = shares
      .map((share) => ({ share, used: percentOf(now.spentOf(share), share.budget.limit) }))
      .filter(({ share, used }) => used >= (share.budget.warnAt[0] ?? 101))
    return told.map(({ share, used }) => `${share.budget.name};used=${used}%`).join(', ')
  }

  const fund = (request: FundingRequest): Funding => {
    // Lowering one's own limit is never refused.
    const own = request.session?.limit_cents ?? 0n
    if (request.kind === 'raise' && request.askedCents !== null && request.askedCents <= own) return free
    const shares = sharesOf(request.dims)
    if (shares.length === 0) return free
    const hard = shares.filter(({ budget }) => budget.onReach !== 'warn')
    const now = standing
    if (now === null) return hard.length === 0 ? free : unavailable(hard)
    const near = nearOf(now, shares)
    const spentUp = hard.find((share) => now.spentOf(share) >= share.budget.limit)
    if (spentUp !== undefined) return exhausted(spentUp, now.spentOf(spentUp))
    const money = hard.filter(({ budget }) => isMoney(budget))
    if (money.length === 0) return { limitCents: null, rule: '', near }
    if (request.kind === 'work') return fundWork(now, request, money, near)
    if (request.removes) {
      const [{ budget } = { budget: null }] = money
      return denied(
        'budget.limit_required',
        `budget \`${budget?.name}\` needs a limit on every session; leave \`budget\` as it is, or set another one`,
        budget,
      )
    }
    return fundLimit(now, request, money, near)
  }

  /** A session at rest long enough has let go what it might still spend, and takes it again. */
  const fundWork = (
    now: Standing,
    { ticket, dims, session }: FundingRequest,
    money: readonly BudgetShare[],
    near: string,
  ): Funding => {
    const isHeld = session !== null && isHolding(session, now.atMs, deps.budgets().idleHoldMs)
    if (isHeld && session.limit_cents > 0n) return { limitCents: null, rule: '', near }
    const needed = session === null ? 0n : leftOf(session)
    for (const share of money) {
      const left = leftIn(now, share)
      const worth = now.worthOf(share.budget, dims.team, needed)
      if (left <= 0n) return exhausted(share, now.spentOf(share), now.heldOf(share) + grantedOf(now, share))
      if (worth > left) {
        return denied(
          'budget.exhausted',
          `this session may still spend ${usd(needed)} and budget \`${share.budget.name}\` has ${amountOf(share.budget, left)} left; lower the session's \`budget\`, or ask for more`,
          share.budget,
        )
      }
    }
    if (needed > 0n) {
      const limitCents = session?.limit_cents ?? 0n
      grants.set(ticket, { ...newGrant, dims, cents: needed, limitCents, sessionId: dims.session })
    }
    return { limitCents: null, rule: '', near }
  }

  const fundLimit = (
    now: Standing,
    request: FundingRequest,
    money: readonly BudgetShare[],
    near: string,
  ): Funding => {
    const { ticket, kind, dims, askedCents } = request
    const before = request.session?.limit_cents ?? 0n
    let most: bigint | null = null
    let rule = ''
    for (const share of money) {
      const { budget } = share
      const perSession = perSessionCents(now, budget, dims.team)
      const left = leftIn(now, share)
      const room = before + (left > 0n ? now.centsOf(budget, dims.team, left) : 0n)
      const allowed = room < perSession ? room : perSession
      if (allowed < 1n) return exhausted(share, now.spentOf(share), now.heldOf(share) + grantedOf(now, share))
      if (kind === 'raise' && askedCents !== null && askedCents > allowed && askedCents > before) {
        return denied(
          'budget.exhausted',
          `budget \`${budget.name}\` allows this session ${usd(allowed)} at most now; it asks for ${usd(askedCents)}`,
          budget,
        )
      }
      if (most === null || allowed < most) [most, rule] = [allowed, budget.rule]
    }
    const limit = askedCents !== null && (most === null || askedCents <= most) ? askedCents : (most ?? 0n)
    // A session that is being made has no id yet: it is known by its ticket.
    const sessionId = kind === 'raise' ? dims.session : ''
    if (kind !== 'deployment' && limit > before) {
      grants.set(ticket, { ...newGrant, dims, cents: limit - before, limitCents: limit, sessionId })
    }
    if (kind === 'raise' || limit === askedCents) return { limitCents: null, rule: '', near }
    return { limitCents: limit, rule, near }
  }

  return {
    fund,
    take: (next) => {
      standing = next
      const nowMs = deps.nowMs()
      for (const [ticket, each] of grants) {
        if (each.settledAtMs === 0) continue
        const seen = each.sessionId === '' ? undefined : next.live.get(each.sessionId)
        const isShown =
          seen !== undefined &&
          (seen.has_ended ||
            (seen.limit_cents >= each.limitCents && isHolding(seen, next.atMs, deps.budgets().idleHoldMs)))
        if (isShown && each.shownSinceMs === 0) each.shownSinceMs = nowMs
        const isOver = isShown && (next.gateways === 1 || nowMs - each.shownSinceMs > deps.overlapMs)
        const waitMs = each.isUnknown ? unknownMs : unseenMs
        if (isOver || nowMs - each.settledAtMs > waitMs) grants.delete(ticket)
      }
    },
    settle: (ticket, how) => {
      const found = grants.get(ticket)
      if (found === undefined) return
      if (how.kind === 'void') {
        grants.delete(ticket)
        return
      }
      found.settledAtMs = deps.nowMs()
      found.isUnknown = how.kind === 'unknown'
      if (how.kind === 'given') found.sessionId = how.sessionId
    },
    sessionOf: (sessionId) => {
      const seen = standing?.live.get(sessionId)
      if (seen !== undefined) return seen
      const granted = [...grants.values()].find((each) => each.sessionId === sessionId)
      return granted === undefined ? null : justMade(sessionId, granted, deps.nowMs())
    },
    awaited: () => [
      ...new Set([...grants.values()].map(({ sessionId }) => sessionId).filter((id) => id !== '')),
    ],
    states: () => {
      const now = standing
      if (now === null) return null
      return now.shares().flatMap((share) => {
        const window = windowOf(share.budget, deps.nowMs())
        if (window === null) return []
        const held = isMoney(share.budget) ? now.heldOf(share) + grantedOf(now, share) : 0n
        return [{ share, ...window, spent: now.spentOf(share), held }]
      })
    },
  }
}

/** Of a budget that says nothing, a tenth of it; of each session's own, all of it. */
function perSessionCents(now: Standing, budget: Budget, team: string): bigint {
  const stated = budget.perSessionCents
  const whole = now.centsOf(budget, team, budget.limit)
  if (budget.per === 'session') return stated !== null && stated < whole ? stated : whole
  const tenth = whole / 10n
  return stated ?? (tenth < 1n ? 1n : tenth)
}
