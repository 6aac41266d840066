// `policies/pins.yaml` as the command line reads and replaces it.
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandIo } from './command-io.ts'
import { findFolder } from './policy-folder.ts'

export type PinsFile = {
  readonly path: string
  /** How errors name it. */
  readonly file: string
  readonly text: string
  /** Puts a new text in its place, whole: a running gateway never reads half of it. */
  readonly write: (text: string) => void
}

/** Opens the pins of the named folder, or of the configured policies. Throws as the file system does. */
export function openPinsFile(policies: string | undefined, io: CommandIo): PinsFile {
  const path = join(findFolder(policies, io), 'pins.yaml')
  return {
    path,
    file: 'pins.yaml',
    text: readFileSync(path, 'utf8'),
    write: (edited) => {
      const draft = `${path}.${randomBytes(4).toString('hex')}`
      writeFileSync(draft, edited, { flag: 'wx', flush: true })
      renameSync(draft, path)
    },
  }
}
