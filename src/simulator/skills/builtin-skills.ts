// The skills that Anthropic publishes, as a stand-in: the real ids and versions, contents of our own.

import { bundleSkill, type SkillBundle } from './skill-bundle.ts'

type BuiltinSkill = {
  readonly id: string
  readonly displayName: string
  readonly version: string
  readonly createdAt: string
  readonly bundle: SkillBundle
}

const builtin = (id: string, displayName: string, description: string): BuiltinSkill => {
  const manifest = `---\nname: ${id}\ndescription: ${description}\n---\n\n# ${displayName}\n`
  const bundle = bundleSkill([{ path: `${id}/SKILL.md`, bytes: Buffer.from(manifest) }])
  return { id, displayName, version: '20251013', createdAt: '2025-10-13T00:00:00.000Z', bundle }
}

/** Anthropic's skills, each with one version named by its date. */
export const builtinSkills: readonly BuiltinSkill[] = [
  builtin('docx', 'Word', 'Create and edit Word documents'),
  builtin('pdf', 'PDF', 'Read, fill and create PDF files'),
  builtin('pptx', 'PowerPoint', 'Create and edit presentations'),
  builtin('xlsx', 'Excel', 'Create and analyze spreadsheets'),
]
