// The skills of a simulator: Anthropic's own, there from the start, and uploaded ones with their versions.

import type { SimulatorClock } from '../clock.ts'
import { invalidRequest, notFound } from '../http/api-error.ts'
import { newId } from '../ids.ts'
import { timestamp } from '../sessions/live-session.ts'
import { builtinSkills } from './builtin-skills.ts'
import type { SkillBundle } from './skill-bundle.ts'

export type SkillVersion = SkillBundle & {
  readonly order: number
  readonly id: string
  readonly createdAt: string
}

/** A skill: its versions, oldest first, never empty. */
export type SkillRecord = {
  readonly order: number
  readonly id: string
  readonly name: string
  readonly displayName: string
  readonly source: 'custom' | 'anthropic'
  readonly createdAt: string
  updatedAt: string
  readonly versions: SkillVersion[]
}

export type SkillLibrary = {
  /** Every skill, oldest first. */
  readonly list: () => readonly SkillRecord[]
  /** The skill of an id. Throws a 404 when there is none. */
  readonly find: (id: string) => SkillRecord
  /** A version of a skill by its id or, for `latest`, the newest. Throws a 404 when there is none. */
  readonly findVersion: (id: string, version: string) => SkillVersion
  readonly create: (bundle: SkillBundle, displayName: string) => SkillRecord
  /** Throws a 400 when the bundle has another name than the skill, or the skill is Anthropic's. */
  readonly addVersion: (id: string, bundle: SkillBundle) => SkillVersion
  /** Deletes the skill and its versions. Throws a 400 for one of Anthropic's. */
  readonly remove: (id: string) => void
  /** Throws a 400 for the last version: a skill holds at least one. */
  readonly removeVersion: (id: string, version: string) => void
}

/** The newest version, what `latest` stands for. */
export function latestVersion({ id, versions }: SkillRecord): SkillVersion {
  const latest = versions.at(-1)
  if (latest === undefined) throw new Error(`skill ${id} has no version`)
  return latest
}

/** A library that holds Anthropic's skills. */
export function createSkillLibrary(clock: SimulatorClock, nextOrder: () => number): SkillLibrary {
  const skills = new Map<string, SkillRecord>()
  for (const { id, displayName, version, createdAt, bundle } of builtinSkills) {
    const only = { ...bundle, order: nextOrder(), id: version, createdAt }
    const times = { createdAt, updatedAt: createdAt }
    const names = { id, name: bundle.name, displayName, source: 'anthropic' as const }
    skills.set(id, { order: nextOrder(), ...names, ...times, versions: [only] })
  }

  const find = (id: string): SkillRecord => {
    const found = skills.get(id)
    if (found === undefined) throw notFound(`skill \`${id}\` not found`)
    return found
  }
  const findOwn = (id: string): SkillRecord => {
    const skill = find(id)
    if (skill.source !== 'custom') throw invalidRequest(`skill \`${id}\` is Anthropic's and read-only`)
    return skill
  }
  const findVersion = (id: string, version: string): SkillVersion => {
    const skill = find(id)
    const found =
      version === 'latest' ? latestVersion(skill) : skill.versions.find((each) => each.id === version)
    if (found === undefined) throw notFound(`skill \`${id}\` has no version \`${version}\``)
    return found
  }
  const now = (): string => timestamp(clock.nowMs())
  const versionOf = (bundle: SkillBundle): SkillVersion => ({
    ...bundle,
    order: nextOrder(),
    id: newId('skver'),
    createdAt: now(),
  })

  return {
    list: () => [...skills.values()],
    find,
    findVersion,
    create: (bundle, displayName) => {
      const versions = [versionOf(bundle)]
      const names = { id: newId('skill'), name: bundle.name, displayName, source: 'custom' as const }
      const skill = { order: nextOrder(), ...names, createdAt: now(), updatedAt: now(), versions }
      skills.set(skill.id, skill)
      return skill
    },
    addVersion: (id, bundle) => {
      const skill = findOwn(id)
      if (bundle.name !== skill.name) {
        throw invalidRequest(`files: the skill is named \`${skill.name}\`, not \`${bundle.name}\``)
      }
      const version = versionOf(bundle)
      skill.versions.push(version)
      skill.updatedAt = version.createdAt
      return version
    },
    remove: (id) => void skills.delete(findOwn(id).id),
    removeVersion: (id, version) => {
      const { versions } = findOwn(id)
      const at = versions.findIndex((each) => each.id === version)
      if (at === -1) throw notFound(`skill \`${id}\` has no version \`${version}\``)
      if (versions.length === 1) {
        throw invalidRequest('the last version of a skill cannot be deleted: delete the skill')
      }
      versions.splice(at, 1)
    },
  }
}
