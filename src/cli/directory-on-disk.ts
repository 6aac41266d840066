// `policies/directory.yaml` as the command line reads and replaces it.
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lintPolicies } from '../authorize/load-policies.ts'
import type { CommandIo } from './command-io.ts'
import { loadConfig } from './load-config.ts'

export type DirectoryFile = {
  readonly path: string
  /** How errors name it. */
  readonly file: string
  readonly text: string
  readonly knownRoles: ReadonlySet<string>
  readonly pepperPath: string
  /** Puts a new text in its place, whole: a running gateway never reads half a directory. */
  readonly write: (text: string) => void
}

/** Opens the directory of the configured policies. Throws as the file system does, or as the policies' linter. */
export function openDirectoryFile(io: CommandIo): DirectoryFile {
  const { dataDir, policiesDir } = loadConfig(io)
  const source = (name: string) => ({ file: name, text: readFileSync(join(policiesDir, name), 'utf8') })
  const { text, file } = source('directory.yaml')
  const path = join(policiesDir, file)
  return {
    path,
    file,
    text,
    knownRoles: lintPolicies({ model: source('model.conf'), policy: source('policy.csv') }).roles,
    pepperPath: join(dataDir, 'pepper'),
    write: (edited) => {
      const draft = `${path}.${randomBytes(4).toString('hex')}`
      writeFileSync(draft, edited, { flag: 'wx', flush: true })
      renameSync(draft, path)
    },
  }
}
