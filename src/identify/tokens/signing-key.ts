// The key pair Tollgate signs its own tokens with, made at the first start. Losing it is harmless: tokens signed with it
// are refused, and clients exchange their assertions again.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { PolicyFileError } from '../../kernel/errors.ts'
import { createSecretFile, readSecretFile } from '../secret-file.ts'

export type SigningKey = {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Public: names the key in a token's header. */
  readonly kid: string
}

/**
 * Reads the Ed25519 key at `path` (PEM, mode 0600), making it when there is none.
 * Throws PolicyFileError when others may read the file or when it holds something else.
 */
export function loadOrCreateSigningKey(path: string): SigningKey {
  if (readSecretFile(path) === undefined) {
    const { privateKey } = generateKeyPairSync('ed25519')
    createSecretFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim())
  }
  const pem = readSecretFile(path)
  if (pem === undefined) throw new Error(`\`${path}\` vanished while it was being created`)
  const privateKey = parseKey(path, pem)
  if (privateKey.asymmetricKeyType !== 'ed25519') return refuse(path)
  const publicKey = createPublicKey(privateKey)
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return { privateKey, publicKey, kid: createHash('sha256').update(spki).digest('base64url').slice(0, 16) }
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    return refuse(path)
  }
}

function refuse(path: string): never {
  throw new PolicyFileError(
    path,
    0,
    'expected an Ed25519 private key as PEM; remove the file to have a new one made',
  )
}
