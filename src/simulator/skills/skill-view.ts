// Skills and versions as the API shows them, and as it showed them to clients of its first beta.

import type { IncomingHttpHeaders } from 'node:http'
import { betasOf } from '../http/known-betas.ts'
import { latestVersion, type SkillRecord, type SkillVersion } from './skill-library.ts'

/** Whether a client asks in the words of the first beta, as SDKs before 1.0 do. */
const isFirstBeta = (headers: IncomingHttpHeaders): boolean => betasOf(headers).includes('skills-2025-10-02')

/** A skill (SDK 1.12.0 resources/beta/skills `BetaSkill`). */
export function skillView(skill: SkillRecord, headers: IncomingHttpHeaders) {
  const { id, displayName, source, createdAt: created_at, updatedAt: updated_at } = skill
  const shared = { id, type: 'skill', created_at, updated_at }
  const latest = latestVersion(skill).id
  return isFirstBeta(headers)
    ? { ...shared, display_title: displayName, latest_version: latest, source }
    : { ...shared, display_name: displayName, latest_version_id: latest, source: { type: source } }
}

/** A version (SDK 1.12.0 resources/beta/skills/versions `BetaSkillVersion`). */
export function versionView(skillId: string, version: SkillVersion, headers: IncomingHttpHeaders) {
  const { id, name, description, createdAt: created_at } = version
  const view = { id, type: 'skill_version', skill_id: skillId, name, description, created_at }
  return isFirstBeta(headers) ? { ...view, directory: name, version: id } : view
}

/** A page, with the `has_more` that the first beta's pages had. */
export function pageView<T>(
  page: { readonly data: readonly T[]; readonly next_page: string | null },
  headers: IncomingHttpHeaders,
) {
  return isFirstBeta(headers) ? { ...page, has_more: page.next_page !== null } : page
}
