// The routes of /v1/user_profiles, in the shapes of every beta it has had, and the URLs handed to end users.

import { z } from 'zod'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { type ApiRequest, json, type Route } from '../http/router.ts'
import { newId, newSecretBytes } from '../ids.ts'
import { parseBody, patchMetadata } from '../json.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import { listProfiles } from './user-profile-list.ts'
import {
  type ExternalUserDetails,
  generationOf,
  isFlat,
  type ProfileGeneration,
  profileView,
  type UserProfileRecord,
} from './user-profile-view.ts'

const urlLifetimeMs = 24 * 3_600_000
const futureMsMax = 60_000

const text255 = z.string().min(1).max(255)
const detailFields = {
  account_status: z.enum(['active', 'suspended', 'blocked']),
  country: z.string().regex(/^[A-Z]{2}$/, 'two uppercase letters'),
  email_hash: text255,
  entity_type: z.enum(['individual', 'business', 'non_profit', 'government']),
  name_hash: text255,
  reference_id: text255,
}
// A complete timestamp, with or without an offset.
const onboarded_at = z.iso.datetime({ offset: true })
const noDetails: ExternalUserDetails = {
  account_status: null,
  country: null,
  email_hash: null,
  entity_type: null,
  name_hash: null,
  onboarded_at: null,
  reference_id: null,
}

const details = z.strictObject(detailFields).extend({ onboarded_at }).partial()
const profileParams = z.strictObject({
  access_type: z.enum(['application', 'passthrough']).nullish(),
  name: z.string().max(255).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
  external_user_details: details.optional(),
  external_id: z.string().max(255).nullish(),
  external_user_onboarded_at: onboarded_at.optional(),
})
type ProfileParams = z.infer<typeof profileParams>

/** At creation a null detail is one that is not given; afterwards it would clear a value, which cannot be done. */
function withoutNulls(body: unknown): unknown {
  const parsed = z.looseObject({ external_user_details: z.looseObject({}) }).safeParse(body)
  if (!parsed.success) return body
  const given = Object.entries(parsed.data.external_user_details).filter(([, value]) => value !== null)
  return { ...parsed.data, external_user_details: Object.fromEntries(given) }
}

/** The fields that this beta takes; the others belong to another time. Throws a 400 that names one. */
function checkGeneration(params: ProfileParams, generation: ProfileGeneration): void {
  const refused: Partial<Record<keyof ProfileParams, boolean>> = {
    external_user_details: isFlat(generation),
    external_id: !isFlat(generation),
    external_user_onboarded_at: generation !== 'user-profiles-2026-08-18',
    access_type: generation === 'user-profiles-2026-03-24',
  }
  for (const [field, isRefused] of Object.entries(refused)) {
    if (isRefused && field in params) throw invalidRequest(`${field}: Extra inputs are not permitted`)
  }
}

function mergeDetails(
  world: World,
  current: ExternalUserDetails,
  params: ProfileParams,
): ExternalUserDetails {
  const { external_id, external_user_onboarded_at } = params
  const given = Object.entries({
    ...params.external_user_details,
    ...(external_id ? { reference_id: external_id } : {}),
    ...(external_user_onboarded_at === undefined ? {} : { onboarded_at: external_user_onboarded_at }),
  })
  const merged = { ...current, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) }
  if (merged.onboarded_at === null) return merged
  const onboardedAtMs = Date.parse(merged.onboarded_at)
  if (onboardedAtMs > world.clock.nowMs() + futureMsMax) {
    throw invalidRequest('external_user_details.onboarded_at: must not be in the future')
  }
  return { ...merged, onboarded_at: timestamp(onboardedAtMs) }
}

function createProfile(world: World, { body, headers }: ApiRequest) {
  const generation = generationOf(headers)
  const params = parseBody(profileParams, withoutNulls(body))
  checkGeneration(params, generation)
  if (Object.values(params.metadata ?? {}).includes(''))
    throw invalidRequest('metadata: values must not be empty')
  const nowMs = world.clock.nowMs()
  const profile: UserProfileRecord = {
    order: world.nextOrder(),
    id: newId('uprof'),
    createdAt: timestamp(nowMs),
    updatedAt: timestamp(nowMs),
    accessType: params.access_type ?? 'application',
    name: params.name ?? null,
    metadata: patchMetadata({}, params.metadata),
    details: mergeDetails(world, noDetails, params),
    actions: [],
    cyberStatus: null,
    isDeleted: false,
  }
  world.userProfiles.set(profile.id, profile)
  return profileView(profile, generation, nowMs)
}

/** The profile that a path names. Throws a 404 when there is none or no more. */
export function findProfile({ userProfiles }: World, request: ApiRequest): UserProfileRecord {
  const id = request.param('id')
  const found = userProfiles.get(id)
  if (found === undefined || found.isDeleted) throw notFound(`user profile \`${id}\` not found`)
  return found
}

function updateProfile(world: World, request: ApiRequest) {
  const profile = findProfile(world, request)
  const generation = generationOf(request.headers)
  const params = parseBody(profileParams, request.body)
  checkGeneration(params, generation)
  // Here an empty value removes its key.
  const patch = Object.entries(params.metadata ?? {}).map(([key, value]) => [
    key,
    value === '' ? null : value,
  ])
  const metadata = patchMetadata(profile.metadata, Object.fromEntries(patch))
  const nowMs = world.clock.nowMs()
  profile.details = mergeDetails(world, profile.details, params)
  profile.metadata = metadata
  profile.accessType = params.access_type ?? profile.accessType
  profile.name = params.name ?? profile.name
  profile.updatedAt = timestamp(nowMs)
  return profileView(profile, generation, nowMs)
}

function retrieveProfile(world: World, request: ApiRequest) {
  const profile = findProfile(world, request)
  return profileView(profile, generationOf(request.headers), world.clock.nowMs(), true)
}

function deleteProfile(world: World, request: ApiRequest) {
  const profile = findProfile(world, request)
  profile.isDeleted = true
  return { id: profile.id, type: 'user_profile_deleted' }
}

/** An address that nobody serves, good until its time. */
function handOut(world: World, path: string, type: string) {
  return {
    type,
    url: `https://verify.simulator.test/${path}/${newSecretBytes('url', 24).toString('base64url')}`,
    expires_at: timestamp(world.clock.nowMs() + urlLifetimeMs),
  }
}

function createActionUrl(world: World, request: ApiRequest) {
  findProfile(world, request)
  const action = z.strictObject({ type: z.literal('enroll_end_user') })
  parseBody(z.strictObject({ action }), request.body)
  return handOut(world, 'actions', 'user_profile_action_url')
}

function createEnrollmentUrl(world: World, request: ApiRequest) {
  findProfile(world, request)
  // It is of the betas alone: without one the path is not there.
  if (generationOf(request.headers) === 'current') throw notFound('Not Found')
  return handOut(world, 'enroll', 'enrollment_url')
}

/** The user profile routes over `world`. They need no beta; one of theirs asks for an older shape. */
export function userProfileRoutes(world: World): readonly Route[] {
  const answers: readonly [Route['method'], string, (world: World, request: ApiRequest) => unknown][] = [
    ['POST', '', createProfile],
    ['GET', '', listProfiles],
    ['GET', '/:id', retrieveProfile],
    ['POST', '/:id', updateProfile],
    ['DELETE', '/:id', deleteProfile],
    ['POST', '/:id/action_urls', createActionUrl],
    ['POST', '/:id/enrollment_url', createEnrollmentUrl],
  ]
  return answers.map(([method, path, answer]) => ({
    method,
    pattern: `/v1/user_profiles${path}`,
    access: 'key-only',
    run: (request) => json(answer(world, request)),
  }))
}
