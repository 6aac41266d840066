// A user profile in each of the shapes it has had: the current one without a beta, older ones for the betas of their time.

import type { IncomingHttpHeaders } from 'node:http'
import { betasOf } from '../http/known-betas.ts'

/** The betas that serve an older shape, newest first; `current` is served without any of them. */
const generations = [
  'user-profiles-2026-09-04',
  'user-profiles-2026-08-18',
  'user-profiles-2026-03-24',
] as const
export type ProfileGeneration = (typeof generations)[number] | 'current'

/** The shape a request asks for: of several betas the newest counts, because SDKs add their default to what is named. */
export function generationOf(headers: IncomingHttpHeaders): ProfileGeneration {
  const betas = betasOf(headers)
  return generations.find((beta) => betas.includes(beta)) ?? 'current'
}

/** Whether profiles carry `external_id` at their top instead of `external_user_details`. */
export const isFlat = (generation: ProfileGeneration): boolean =>
  generation === 'user-profiles-2026-08-18' || generation === 'user-profiles-2026-03-24'

export type ProgramStatus = 'active' | 'pending' | 'rejected'

export type EnforcementAction = {
  readonly id: string
  readonly type: 'restriction' | 'ban'
  readonly reason: string
  readonly action: 'verify' | null
  readonly opened_at: string
  readonly expires_at: string | null
}

/** What the platform says of the entity; null until it does. */
export type ExternalUserDetails = {
  readonly account_status: string | null
  readonly country: string | null
  readonly email_hash: string | null
  readonly entity_type: string | null
  readonly name_hash: string | null
  readonly onboarded_at: string | null
  readonly reference_id: string | null
}

export type UserProfileRecord = {
  readonly order: number
  readonly id: string
  readonly createdAt: string
  updatedAt: string
  accessType: 'application' | 'passthrough'
  name: string | null
  metadata: Readonly<Record<string, string>>
  details: ExternalUserDetails
  readonly actions: EnforcementAction[]
  /** Its standing in the Cyber Verification Program; null for none. */
  cyberStatus: ProgramStatus | null
  /** A deleted profile keeps its place, so that pages can be walked past it. */
  isDeleted: boolean
}

/** Restrictions that have run out count no longer. */
const openActions = ({ actions }: UserProfileRecord, nowMs: number) =>
  actions.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > nowMs)

/** Anthropic's verdict on the profile, from its open actions. */
export function enforcementStatus(profile: UserProfileRecord, nowMs: number): string {
  const open = openActions(profile, nowMs)
  if (open.some(({ type }) => type === 'ban')) return 'banned'
  return open.length > 0 ? 'restricted' : 'unrestricted'
}

/** Tiers are told when a profile is retrieved, not in lists and updates. */
function programsView({ cyberStatus }: UserProfileRecord, isRetrieved: boolean) {
  if (cyberStatus === null) return { cyber: null, efs: null }
  const isActive = cyberStatus === 'active'
  const tiers = isRetrieved
    ? {
        a: { status: isActive ? 'active' : 'inactive' },
        b: { status: 'inactive' },
        c: { status: 'inactive' },
      }
    : {}
  const requirements = isRetrieved && isActive ? { data_retention: true, human_review: true } : null
  return { cyber: { status: cyberStatus, tiers, requirements }, efs: null }
}

/** The profile as the generation of the request shows it (SDK 1.12.0 `UserProfile` and `BetaUserProfile`). */
export function profileView(
  profile: UserProfileRecord,
  generation: ProfileGeneration,
  nowMs: number,
  isRetrieved = false,
) {
  const shared = {
    id: profile.id,
    type: 'user_profile',
    name: profile.name,
    metadata: profile.metadata,
    created_at: profile.createdAt,
    updated_at: profile.updatedAt,
  }
  const { details, accessType: access_type, cyberStatus } = profile
  if (generation === 'current') {
    return {
      ...shared,
      access_type,
      external_user_details: details,
      enforcement_actions: openActions(profile, nowMs),
      enforcement_status: enforcementStatus(profile, nowMs),
      programs: programsView(profile, isRetrieved),
    }
  }
  const granted = { ...shared, trust_grants: cyberStatus === null ? {} : { cyber: { status: cyberStatus } } }
  if (!isFlat(generation)) return { ...granted, access_type, external_user_details: details }
  const flat = { ...granted, external_id: details.reference_id }
  if (generation === 'user-profiles-2026-03-24') return flat
  return { ...flat, access_type, external_user_onboarded_at: details.onboarded_at }
}
