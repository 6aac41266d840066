// Anthropic's side of a user profile, which no API call changes: enforcement actions and program decisions, made on
// demand at a path of the simulator's own and told to webhooks.

import { z } from 'zod'
import { notFound } from '../http/api-error.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId } from '../ids.ts'
import { parseBody } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { type EnforcementAction, profileView } from './user-profile-view.ts'
import { findProfile } from './user-profiles.ts'

const standing = z.strictObject({
  open: z
    .strictObject({
      type: z.enum(['restriction', 'ban']),
      reason: z.string().default('unspecified'),
      expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
    })
    .optional(),
  resolve: z.string().optional(),
  cyber: z.enum(['active', 'pending', 'rejected']).nullable().optional(),
})

function setStanding(world: World, request: ApiRequest) {
  const profile = findProfile(world, request)
  const { open, resolve, cyber } = parseBody(standing, request.body)
  const nowMs = world.clock.nowMs()
  const { id } = profile
  if (open !== undefined) {
    const action = open.type === 'ban' || open.reason === 'account_compromise' ? null : 'verify'
    const opened: EnforcementAction = { id: newId('enac'), ...open, action, opened_at: timestamp(nowMs) }
    profile.actions.push(opened)
    world.announce('user_profile.enforcement_action_opened', { id, enforcement_action_id: opened.id })
  }
  const at = profile.actions.findIndex((action) => action.id === resolve)
  if (resolve !== undefined && at === -1) throw notFound(`no open action \`${resolve}\``)
  if (at !== -1) {
    profile.actions.splice(at, 1)
    world.announce('user_profile.enforcement_action_resolved', { id, enforcement_action_id: resolve })
  }
  if (cyber !== undefined) {
    profile.cyberStatus = cyber
    profile.updatedAt = timestamp(nowMs)
    world.announce('user_profile.program_status_updated', { id })
  }
  return profileView(profile, 'current', nowMs, true)
}

/** `POST /simulator/user_profiles/:id/standing` opens or resolves an action, or decides on the cyber program. */
export function userProfileStandingRoutes(world: World): readonly Route[] {
  const pattern = '/simulator/user_profiles/:id/standing'
  return [{ method: 'POST', pattern, access: 'open', run: (request) => json(setStanding(world, request)) }]
}
