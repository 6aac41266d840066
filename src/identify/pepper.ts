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
  return loadOrCreateKey(path, newKeysAdvice)
}

const newKeysAdvice = 'remove it and issue new keys to every caller'

/** As `loadOrCreatePepper`, of any such key; `advice` says what to do where no backup has it. */
export function loadOrCreateKey(path: string, advice: string): Secret {
  const key = readKey(path, advice)
  if (key !== undefined) return key
  createSecretFile(path, randomBytes(32).toString('hex'))
  const created = readKey(path, advice)
  if (created === undefined) throw new Error(`\`${path}\` vanished while it was being created`)
  return created
}

/** Reads the pepper that is there. Throws like `loadOrCreatePepper`, and when there is none. */
export function loadPepper(path: string): Secret {
  const pepper = readKey(path, newKeysAdvice)
  if (pepper === undefined)
    throw new PolicyFileError(path, 0, 'there is no pepper yet; run `tollgate start` once')
  return pepper
}

function readKey(path: string, advice: string): Secret | undefined {
  const text = readSecretFile(path)
  if (text === undefined) return undefined
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new PolicyFileError(path, 0, `expected 64 hex digits; restore the file from a backup, or ${advice}`)
  }
  return new Secret(text)
}
