// A secret that Tollgate makes for itself and keeps in a file only its own account may read.
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { PolicyFileError } from '../kernel/errors.ts'

/**
 * Reads the secret at `path`, trimmed; undefined when there is no file.
 * Throws PolicyFileError when others may read it.
 */
export function readSecretFile(path: string): string | undefined {
  const file = openIfPresent(path)
  if (file === undefined) return undefined
  try {
    // The mode is asked of the open file, so nobody can swap the file between the two looks.
    if ((fstatSync(file).mode & 0o077) !== 0) {
      throw new PolicyFileError(path, 0, `others may read this secret; run \`chmod 600 ${path}\``)
    }
    return readFileSync(file, 'utf8').trim()
  } finally {
    closeSync(file)
  }
}

/**
 * Puts `text` at `path` with mode 0600 unless a file is there already.
 * Two processes that start at once end up with the same file: read it afterwards.
 */
export function createSecretFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    writeSync(file, `${text}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    // A link fails when the name is taken, a rename would overwrite: the first process wins.
    linkSync(draft, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    unlinkSync(draft)
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
