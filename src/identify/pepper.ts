// The pepper: the secret that makes the hashes in `directory.yaml` useless to whoever reads only that file.
import { randomBytes } from 'node:crypto'
import { PolicyFileError } from '../kernel/errors.ts'
import { Secret } from '../kernel/secret.ts'
import { createSecretFile, readSecretFile } from './secret-file.ts'

/**
 * Reads the pepper at `path`, making it (32 random bytes as hex, mode 0600) when there is none.
 * Two processes that start at once end up with the same pepper.
 * Throws PolicyFileError when others may read the file or when it holds something else.
 */
export function loadOrCreatePepper(path: string): Secret {
  const pepper = readPepper(path)
  if (pepper !== undefined) return pepper
  createSecretFile(path, randomBytes(32).toString('hex'))
  const created = readPepper(path)
  if (created === undefined) throw new Error(`\`${path}\` vanished while it was being created`)
  return created
}

/** Reads the pepper that is there. Throws like `loadOrCreatePepper`, and when there is none. */
export function loadPepper(path: string): Secret {
  const pepper = readPepper(path)
  if (pepper === undefined)
    throw new PolicyFileError(path, 0, 'there is no pepper yet; run `tollgate start` once')
  return pepper
}

function readPepper(path: string): Secret | undefined {
  const text = readSecretFile(path)
  if (text === undefined) return undefined
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new PolicyFileError(
      path,
      0,
      'expected 64 hex digits; restore the file from a backup, or remove it and issue new keys to every caller',
    )
  }
  return new Secret(text)
}
