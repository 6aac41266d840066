// pins.yaml and the holds, in the words of the admin listener's answers.
import type { CanaryWatch } from '../pin/canary-watch.ts'
import type { Pins, Rollout } from '../pin/pins.ts'

/** Whether a version may run, as the file says it at this moment. */
export type ApprovalWord = 'approved' | 'number_only' | 'expired' | 'rejected' | 'none'

/** `number_only`: approved without the hash of its content. */
export function tellApproval(pins: Pins, agentId: string, version: number, nowMs: number): ApprovalWord {
  if (pins.rejected.get(agentId)?.has(version) === true) return 'rejected'
  const approval = pins.approved.get(agentId)?.find((each) => each.version === version)
  if (approval === undefined) return 'none'
  if (approval.expiresAtMs !== null && approval.expiresAtMs <= nowMs) return 'expired'
  return approval.configHash === null ? 'number_only' : 'approved'
}

/** One rollout, whether it is held and by what, and what both versions did when last looked at. */
export function tellRollout(
  agentId: string,
  rollout: Rollout,
  canaries: Pick<CanaryWatch, 'holdOf' | 'stateOf'>,
) {
  const hold = canaries.holdOf(agentId)
  const state = canaries.stateOf(agentId)
  return {
    agent_id: agentId,
    stable: rollout.stable,
    canary: rollout.canary,
    percent: rollout.percent,
    by: rollout.by,
    always: rollout.always,
    rule: rollout.rule,
    held: rollout.hold ? 'by pins.yaml' : hold === null ? '' : 'by itself',
    held_at: hold === null ? null : new Date(hold.heldAtMs).toISOString(),
    reasons: hold?.reasons ?? [],
    watched: rollout.bounds !== null,
    judgement: state?.judgement ?? 'unknown',
    stable_facts: state?.stable ?? null,
    canary_facts: state?.canary ?? null,
  }
}

/** The whole file, as it counts at this moment. */
export function tellPins(pins: Pins, canaries: Pick<CanaryWatch, 'holdOf' | 'stateOf'>, nowMs: number) {
  return {
    four_eyes: pins.fourEyes,
    default: pins.defaultClass.name,
    classes: [...pins.classes.values()].map(({ name, requirements }) => ({
      name,
      requirements: Object.fromEntries(requirements),
    })),
    sensitivity: pins.sensitivity,
    approved: [...pins.approved].flatMap(([agentId, approvals]) =>
      approvals.map((approval) => ({
        agent_id: agentId,
        version: approval.version,
        config_hash: approval.configHash,
        by: approval.by,
        ticket: approval.ticket,
        on: isoOf(approval.onMs),
        expires: isoOf(approval.expiresAtMs),
        state: tellApproval(pins, agentId, approval.version, nowMs),
      })),
    ),
    rejected: [...pins.rejected].flatMap(([agentId, versions]) =>
      [...versions].map((version) => ({ agent_id: agentId, version })),
    ),
    rollouts: [...pins.rollouts].map(([agentId, rollout]) => tellRollout(agentId, rollout, canaries)),
  }
}

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
