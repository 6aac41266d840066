// A skill by version: without one the upstream takes the latest, and does not say when.
import type { PinRule } from '../rule.ts'
import { contentRule } from './definitions.ts'
import { fieldsAt, isAbsent, listAt, wordAt } from './reading.ts'

const skillNames = new Set(['type', 'skill_id', 'version'])

/** Way 16: every skill names its version; forced, the newest of this moment. `allow` lists skills that may float. */
export const skillVersions: PinRule = contentRule(
  'skill_versions',
  [16],
  async (definition, at, request, allow) => {
    const path = [...at, 'skills']
    const floating = listAt(definition.fields['skills'], path).flatMap((skill, index) => {
      const here = [...path, index]
      const fields = fieldsAt(skill, here, skillNames)
      const id = wordAt(fields['skill_id'], [...here, 'skill_id'])
      const version = isAbsent(fields['version']) ? 'latest' : wordAt(fields['version'], [...here, 'version'])
      // No version is called so; a lenient reader might take `Latest` for it.
      return version.toLowerCase() !== 'latest' || allow.has(id) ? [] : [{ here, id }]
    })
    return Promise.all(
      floating.map(async ({ here, id }) => {
        const latest = await request.facts.latestSkillVersion(id)
        const text = JSON.stringify(latest)
        return {
          ...{ path: here, requested: 'latest', resolved: latest ?? '' },
          what: `is skill \`${id}\` without a version`,
          instead: latest === null ? 'a version of it; none was found' : `\`"version": ${text}\` in it`,
          edits: latest === null ? null : [{ kind: 'set', path: [...here, 'version'], text } as const],
        }
      }),
    )
  },
)
