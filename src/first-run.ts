// What the first start makes so that nobody has to: the data folder, the policies, and a key to begin with.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFirstDirectoryFile } from './identify/directory-file.ts'
import { loadOrCreatePepper } from './identify/pepper.ts'
import type { Secret } from './kernel/secret.ts'

export type FirstRun = {
  readonly pepper: Secret
  /** The key made just now; undefined when there is a directory already. It exists nowhere else. */
  readonly firstKey: { readonly key: Secret; readonly expiresMs: number } | undefined
  /** Takes the directory made just now away again, so that a start that failed does not leave a key nobody has seen. */
  readonly undo: () => void
}

const shipped = fileURLToPath(new URL('../policies/', import.meta.url))

/**
 * Makes what is missing: `dataDir` with the pepper, `policiesDir` as shipped when it is missing or empty, and
 * `directory.yaml` with one admin key. A policies folder with files in it is never added to, but for that one.
 * Throws when the pepper is gone and the directory is not: nobody's key could be checked.
 */
export function prepareFirstRun(dataDir: string, policiesDir: string, nowMs: number): FirstRun {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const pepperPath = join(dataDir, 'pepper')
  const directoryPath = join(policiesDir, 'directory.yaml')
  if (!existsSync(pepperPath) && existsSync(directoryPath) && holdsHashes(directoryPath)) {
    throw new Error(
      `\`${pepperPath}\` is missing, so no key of \`${directoryPath}\` can be checked: restore it from a backup, ` +
        'or remove directory.yaml to begin again with a first key',
    )
  }
  const pepper = loadOrCreatePepper(pepperPath)
  if (!existsSync(policiesDir) || readdirSync(policiesDir).length === 0) {
    cpSync(shipped, policiesDir, { recursive: true, filter: (path) => !path.endsWith('directory.yaml') })
  }
  const first = createFirstDirectoryFile(directoryPath, { pepper, nowMs })
  return {
    pepper,
    firstKey: first === undefined ? undefined : { key: first.key, expiresMs: first.expiresMs },
    undo: () => {
      if (first !== undefined) rmSync(directoryPath, { force: true })
    },
  }
}

const holdsHashes = (path: string): boolean => readFileSync(path, 'utf8').includes('hmac-sha256:')
