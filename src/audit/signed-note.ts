// Signed notes with Ed25519 keys, as C2SP writes them (c2sp.org/signed-note): a text, a blank line, a line for each
// signature. A verifier takes the keys it knows and passes over the others.
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'

/** One who signs: the name on the signature's line, and the key. */
export type NoteSigner = { readonly name: string; readonly privateKey: KeyObject }

/** A public key as notes name it: `<name>+<key id>+<key>`. */
export type NoteKey = { readonly name: string; readonly id: string; readonly publicKey: KeyObject }

/** A note taken apart; `text` ends with a newline. */
export type SignedNote = {
  readonly text: string
  readonly signatures: readonly { readonly name: string; readonly id: string; readonly bytes: Buffer }[]
}

const ed25519 = 0x01
const signatureMark = '— '
/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** The text with a line of each signer. Throws a plain `Error` for a text that no note can hold. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n') || /\n\n/.test(text)) throw new Error('a note has lines, and none is empty')
  const lines = signers.map(({ name, privateKey }) => {
    const id = Buffer.from(keyId(name, rawKey(createPublicKey(privateKey))), 'hex')
    const line = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString('base64')
    return `${signatureMark}${name} ${line}\n`
  })
  return `${text}\n${lines.join('')}`
}

/** Takes a note apart without believing it; null when it is none. */
export function readNote(note: string): SignedNote | null {
  const at = note.lastIndexOf('\n\n')
  if (at === -1 || !note.endsWith('\n')) return null
  const signatures: SignedNote['signatures'][number][] = []
  for (const line of note.slice(at + 2, -1).split('\n')) {
    const found = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line)
    const bytes = Buffer.from(found?.[2] ?? '', 'base64')
    if (found?.[1] === undefined || bytes.length < 5) return null
    signatures.push({ name: found[1], id: bytes.toString('hex', 0, 4), bytes: bytes.subarray(4) })
  }
  return { text: note.slice(0, at + 1), signatures }
}

/** Those of the keys whose signature the note has. One that is there and wrong makes the whole note unsigned. */
export function verifyNote(note: SignedNote, keys: readonly NoteKey[]): readonly NoteKey[] {
  const signed: NoteKey[] = []
  for (const { name, id, bytes } of note.signatures) {
    const key = keys.find((candidate) => candidate.name === name && candidate.id === id)
    if (key === undefined) continue
    if (!verify(null, Buffer.from(note.text), key.publicKey, bytes)) return []
    signed.push(key)
  }
  return signed
}

/** The public half of a signer, as people copy it. */
export function renderNoteKey({ name, privateKey }: NoteSigner): string {
  const raw = rawKey(createPublicKey(privateKey))
  return `${name}+${keyId(name, raw)}+${Buffer.concat([Buffer.of(ed25519), raw]).toString('base64')}`
}

/** Reads what `renderNoteKey` writes; null when it is none, or its id is not that of the key. */
export function readNoteKey(line: string): NoteKey | null {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(line.trim())
  if (found === null) return null
  const [, name = '', id = '', encoded = ''] = found
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length !== 33 || bytes[0] !== ed25519 || keyId(name, bytes.subarray(1)) !== id) return null
  const der = Buffer.concat([derPrefix, bytes.subarray(1)])
  return { name, id, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

const rawKey = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(-32)

function keyId(name: string, raw: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519), raw]), 'hex').slice(0, 8)
}
