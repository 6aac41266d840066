// The keys that sign checkpoints: numbered files only their owner may read, the highest signs. A new file is a new key:
// the next checkpoint is signed by both, and says so.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { renderNoteKey } from './signed-note.ts'

/** Reads and makes files that hold a secret. */
export type SecretFiles = {
  readonly read: (file: string) => string | undefined
  readonly create: (file: string, text: string) => void
}

export type AuditKeys = {
  /** The highest key; made when there is none. Throws when it cannot be read. */
  readonly newest: () => AuditKey
  /** One by its name; null when it is gone. */
  readonly find: (name: string) => AuditKey | null
}

/** `name` is the file's: `0001.pem`. */
export type AuditKey = { readonly name: string; readonly privateKey: KeyObject }

const keyName = /^\d{4}\.pem$/

/** The keys in `<dir>/keys`. */
export function openAuditKeys(dir: string, files: SecretFiles): AuditKeys {
  const folder = path.join(dir, 'keys')
  // A key's file never changes: reading it for every checkpoint would be most of what a checkpoint costs.
  const known = new Map<string, AuditKey>()
  const find = (name: string): AuditKey | null => {
    const found = known.get(name)
    if (found !== undefined) return found
    const pem = files.read(path.join(folder, name))
    if (pem === undefined) return null
    const key = { name, privateKey: readPrivateKey(path.join(folder, name), pem) }
    known.set(name, key)
    return key
  }
  return {
    find,
    newest: () => {
      const name = listKeys(folder).at(-1) ?? addAuditKey(dir, files)
      const key = find(name)
      if (key === null) throw new Error(`the audit key \`${path.join(folder, name)}\` vanished`)
      return key
    },
  }
}

/** Makes one key more, which signs from the next checkpoint on; returns its name. */
export function addAuditKey(dir: string, files: SecretFiles): string {
  const folder = path.join(dir, 'keys')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const last = listKeys(folder).at(-1) ?? '0000.pem'
  const name = `${String(Number(last.slice(0, 4)) + 1).padStart(4, '0')}.pem`
  const { privateKey } = generateKeyPairSync('ed25519')
  files.create(path.join(folder, name), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim())
  return name
}

const listed = (dir: string): string => path.join(dir, 'public-keys.txt')

/** Puts a key's public half on the list that auditors copy, once. */
export function listPublicKey(dir: string, name: string, key: AuditKey): void {
  const line = renderNoteKey({ name, privateKey: key.privateKey })
  if (!readPublicKeys(dir).includes(line)) appendFileSync(listed(dir), `${line}\n`)
}

/** The public keys that have signed here, oldest first. */
export function readPublicKeys(dir: string): readonly string[] {
  try {
    return readFileSync(listed(dir), 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

function listKeys(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => keyName.test(name))
      .sort()
  } catch {
    return []
  }
}

function readPrivateKey(file: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below, without what the file holds.
  }
  throw new Error(`\`${file}\` is not an Ed25519 private key as PEM`)
}
