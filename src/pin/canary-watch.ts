// Holds a canary that does worse than its bounds allow: at once in this gateway, within a minute in every other. Only a
// person lets it go on, in pins.yaml.
import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Ledger } from '../ledger/port.ts'
import { type AgentVersionFacts, readAgentVersionFacts } from '../ledger/queries/agent-version-facts.ts'
import { type RolloutHoldRow, readRolloutHolds, writeRolloutHold } from '../ledger/queries/rollout-holds.ts'
import { type CanaryJudgement, judgeCanary, nothingYet } from './judge-canary.ts'
import type { Pins, Rollout } from './pins.ts'

/** A hold in force. */
export type CanaryHold = { readonly heldAtMs: number; readonly reasons: readonly string[] }

/** How a rollout stood when it was last looked at; null facts while it never was. */
export type CanaryState = {
  readonly judgement: CanaryJudgement['kind'] | 'unknown'
  readonly stable: AgentVersionFacts | null
  readonly canary: AgentVersionFacts | null
  readonly fromMs: number
  readonly toMs: number
}

export type CanaryWatch = {
  /**
   * True when nobody may get this agent's canary. Also before the ledger was first asked what is held: a canary that
   * was held yesterday must not come back with a restart. Never for a rollout without bounds.
   */
  readonly isHeld: (agentId: string) => boolean
  /** The hold in force; null when there is none, or it is not known yet. */
  readonly holdOf: (agentId: string) => CanaryHold | null
  readonly countHeld: () => number
  readonly stateOf: (agentId: string) => CanaryState | null
  /** Reads what others held, judges every rollout, holds what is worse. Never rejects; one look at a time. */
  readonly look: () => Promise<void>
}

export type CanaryWatchDeps = {
  readonly pins: () => Pick<Pins, 'rollouts'>
  readonly ledger: Pick<Ledger, 'query' | 'insert'>
  readonly clock: Pick<Clock, 'nowMs'>
  readonly onHeld: (agentId: string, hold: CanaryHold & { readonly canary: number }) => void
  readonly onProblem: (error: unknown) => void
}

type Kept = { readonly row: RolloutHoldRow; readonly facts: object }

/** Makes the watch; the caller calls `look` at start and every minute. */
export function createCanaryWatch(deps: CanaryWatchDeps): CanaryWatch {
  const holds = new Map<string, RolloutHoldRow>()
  const states = new Map<string, CanaryState>()
  /** Holds that the ledger does not have yet. */
  let unwritten: readonly Kept[] = []
  let hasRead = false
  let looking: Promise<void> | null = null

  const holdOf = (agentId: string): CanaryHold | null => {
    const rollout = deps.pins().rollouts.get(agentId)
    if (rollout?.bounds === undefined || rollout.bounds === null || rollout.canary === null) return null
    const row = holds.get(keyOf(agentId, rollout))
    if (row === undefined || row.held_at_ms <= (rollout.releasedMs ?? 0)) return null
    return { heldAtMs: row.held_at_ms, reasons: row.reasons }
  }

  const readHolds = async (): Promise<void> => {
    for (const row of await readRolloutHolds(deps.ledger)) {
      const key = keyOf(row.agent_id, row)
      if ((holds.get(key)?.held_at_ms ?? 0) < row.held_at_ms) holds.set(key, row)
    }
    hasRead = true
  }

  const judge = async (agentId: string, rollout: Rollout): Promise<void> => {
    const { bounds, canary, stable } = rollout
    if (bounds === null || canary === null) return
    const toMs = deps.clock.nowMs()
    // What it did before a person let it go on was forgiven.
    const fromMs = Math.max(toMs - bounds.windowMs, rollout.releasedMs ?? 0)
    const lines = await readAgentVersionFacts(deps.ledger, { agentId, fromMs, toMs })
    const factsOf = (version: number): AgentVersionFacts =>
      lines.find((line) => line.version === version) ?? { version, ...nothingYet }
    const facts = { stable: factsOf(stable), canary: factsOf(canary) }
    const judgement = judgeCanary(bounds, facts.stable, facts.canary)
    states.set(agentId, { judgement: judgement.kind, ...facts, fromMs, toMs })
    if (judgement.kind !== 'worse' || rollout.hold || holdOf(agentId) !== null) return
    const { reasons } = judgement
    const row = {
      hold_id: newId('hold', toMs),
      agent_id: agentId,
      stable,
      canary,
      held_at_ms: Math.floor(toMs),
      reasons,
    }
    holds.set(keyOf(agentId, rollout), row)
    unwritten = [...unwritten, { row, facts }]
    deps.onHeld(agentId, { heldAtMs: row.held_at_ms, reasons, canary })
  }

  const lookNow = async (): Promise<void> => {
    await attempt(deps, readHolds)
    for (const [agentId, rollout] of deps.pins().rollouts) await attempt(deps, () => judge(agentId, rollout))
    for (const kept of unwritten) {
      await attempt(deps, async () => {
        await writeRolloutHold(deps.ledger, kept.row, kept.facts)
        unwritten = unwritten.filter((each) => each !== kept)
      })
    }
  }

  return {
    isHeld: (agentId) => {
      const rollout = deps.pins().rollouts.get(agentId)
      if (rollout === undefined || rollout.bounds === null) return false
      return !hasRead || holdOf(agentId) !== null
    },
    holdOf,
    countHeld: () => [...deps.pins().rollouts.keys()].filter((agentId) => holdOf(agentId) !== null).length,
    stateOf: (agentId) => states.get(agentId) ?? null,
    look: () => {
      looking ??= lookNow().finally(() => {
        looking = null
      })
      return looking
    },
  }
}

/** A hold is of this canary against this stable; another version starts anew. */
const keyOf = (agentId: string, { stable, canary }: { stable: number; canary: number | null }): string =>
  `${agentId} ${stable} ${canary}`

async function attempt(deps: CanaryWatchDeps, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    deps.onProblem(error)
  }
}
