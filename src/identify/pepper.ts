// The pepper: the secret that makes the hashes in `directory.yaml` useless to whoever reads only that file.
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
import { Secret } from '../kernel/secret.ts'

/**
 * Reads the pepper at `path`, making it (32 random bytes as hex, mode 0600) when there is none.
 * Two processes that start at once end up with the same pepper.
 * Throws PolicyFileError when others may read the file or when it holds something else.
 */
export function loadOrCreatePepper(path: string): Secret {
  return readPepper(path) ?? createPepper(path)
}

/** Reads the pepper that is there. Throws like `loadOrCreatePepper`, and when there is none. */
export function loadPepper(path: string): Secret {
  const pepper = readPepper(path)
  if (pepper === undefined)
    throw new PolicyFileError(path, 0, 'there is no pepper yet; run `tollgate start` once')
  return pepper
}

function readPepper(path: string): Secret | undefined {
  const file = openIfPresent(path)
  if (file === undefined) return undefined
  try {
    // The mode is asked of the open file, so nobody can swap the file between the two looks.
    if ((fstatSync(file).mode & 0o077) !== 0) {
      throw new PolicyFileError(path, 0, `others may read this secret; run \`chmod 600 ${path}\``)
    }
    const text = readFileSync(file, 'utf8').trim()
    if (!/^[0-9a-f]{64}$/.test(text)) {
      throw new PolicyFileError(
        path,
        0,
        'expected 64 hex digits; restore the file from a backup, or remove it and issue new keys to every caller',
      )
    }
    return new Secret(text)
  } finally {
    closeSync(file)
  }
}

function createPepper(path: string): Secret {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    writeSync(file, `${randomBytes(32).toString('hex')}\n`)
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
  const pepper = readPepper(path)
  if (pepper === undefined) throw new Error(`\`${path}\` vanished while it was being created`)
  return pepper
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
