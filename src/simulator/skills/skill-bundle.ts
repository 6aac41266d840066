// The files of a skill version as they come in: one top directory with a SKILL.md at its root, checked and packed.

import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { invalidRequest } from '../http/api-error.ts'
import { writeZip, type ZipEntry } from './zip.ts'

/** What a version is made of. The archive has the skill's name as its top directory. */
export type SkillBundle = {
  readonly name: string
  readonly description: string
  readonly archive: Buffer
}

const frontmatterSchema = z.looseObject({
  name: z.string().optional(),
  description: z.string().trim().min(1).max(1024),
})

const slug = /^[a-z0-9]+(-[a-z0-9]+)*$/
const slugLengthMax = 64
const reservedWords = ['anthropic', 'claude']

/** Checks the files and packs them. Throws a 400 that names the fault. */
export function bundleSkill(files: readonly ZipEntry[]): SkillBundle {
  const paths = files.map(({ path }) => path.split('/'))
  const [top = ''] = paths[0] ?? []
  for (const [at, parts] of paths.entries()) {
    const path = files[at]?.path ?? ''
    if (parts.some((part) => part === '' || part === '.' || part === '..') || path.includes('\\')) {
      throw invalidRequest(`files: \`${path}\` is not a relative path without \`.\`, \`..\` and \`\\\``)
    }
    if (parts.length < 2 || parts[0] !== top) {
      throw invalidRequest('files: all files must be in the same top-level directory')
    }
  }
  if (new Set(files.map(({ path }) => path)).size < files.length) {
    throw invalidRequest('files: the same path is given twice')
  }
  const manifest = files.find(({ path }) => path === `${top}/SKILL.md`)
  if (manifest === undefined) {
    throw invalidRequest('files: must include a SKILL.md file at the root of the top-level directory')
  }
  const { name = top, description } = readFrontmatter(manifest.bytes.toString())
  checkName(name)
  const inside = files.map(({ path, bytes }) => ({ path: name + path.slice(top.length), bytes }))
  return { name, description, archive: writeZip(inside) }
}

function readFrontmatter(text: string): z.infer<typeof frontmatterSchema> {
  const [, yaml] = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/.exec(text) ?? []
  if (yaml === undefined) throw invalidRequest('files: SKILL.md must start with YAML frontmatter')
  let frontmatter: unknown
  try {
    frontmatter = parseYaml(yaml)
  } catch {
    throw invalidRequest('files: the frontmatter of SKILL.md is not valid YAML')
  }
  const parsed = frontmatterSchema.safeParse(frontmatter)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') || 'frontmatter'
  throw invalidRequest(`files: SKILL.md ${field}: ${parsed.error.issues[0]?.message ?? 'invalid'}`)
}

function checkName(name: string): void {
  if (name.length > slugLengthMax || !slug.test(name)) {
    throw invalidRequest(
      `files: the skill name \`${name}\` must be kebab-case of at most ${slugLengthMax} characters`,
    )
  }
  const word = reservedWords.find((each) => name.includes(each))
  if (word !== undefined) throw invalidRequest(`files: the skill name must not contain \`${word}\``)
}
