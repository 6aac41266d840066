// A proof that one entry is in the log, for somebody who has neither the log nor us: a C2SP tlog-proof with the entry as
// its extra data (c2sp.org/tlog-proof).
import { readCheckpoint } from './checkpoint.ts'
import { readEntry } from './entry.ts'
import { hashLeaf, proveInclusion, rootOfPath } from './merkle.ts'
import { type NoteKey, readNote, verifyNote } from './signed-note.ts'

const title = 'c2sp.org/tlog-proof@v1'

type CheckpointPart = { readonly size: number; readonly note: string; readonly frontier: readonly string[] }

/**
 * The proof of entry `seq` under `checkpoint`. `before` is an earlier checkpoint without that entry, null for none;
 * `entries` are the texts between the two, from the first on. Throws when the entry is not among them.
 */
export function renderProof(
  seq: number,
  checkpoint: CheckpointPart,
  before: CheckpointPart | null,
  entries: readonly string[],
): string {
  const from = before?.size ?? 0
  const frontier = (before?.frontier ?? []).map((text) => Buffer.from(text, 'base64'))
  const tree = { size: checkpoint.size, from, frontier, leaves: entries.map(hashLeaf) }
  const path = proveInclusion(tree, seq).map((hash) => hash.toString('base64'))
  const extra = Buffer.from(entries[seq - from] ?? '').toString('base64')
  return `${[title, `extra ${extra}`, `index ${seq}`, ...path].join('\n')}\n\n${checkpoint.note}`
}

export type ProofResult =
  | {
      readonly ok: true
      readonly seq: number
      readonly gateway: string
      readonly entry: string
      readonly timeMs: number
    }
  | { readonly ok: false; readonly reason: string }

/** Whether a proof proves what it says, by keys that are believed. */
export function verifyProof(text: string, keys: readonly NoteKey[]): ProofResult {
  const refuse = (reason: string): ProofResult => ({ ok: false, reason })
  const at = text.indexOf('\n\n')
  const [first, extra = '', index = '', ...path] = text.slice(0, at).split('\n')
  if (
    at === -1 ||
    first !== title ||
    !extra.startsWith('extra ') ||
    !/^index (0|[1-9]\d{0,15})$/.test(index)
  ) {
    return refuse('this is not a proof that `tollgate audit prove` writes')
  }
  const note = readNote(text.slice(at + 2))
  const head = note === null ? null : readCheckpoint(note.text)
  if (note === null || head === null) return refuse('its checkpoint cannot be read')
  const ours = keys.filter(({ name }) => name === head.origin)
  if (verifyNote(note, ours).length === 0) {
    return refuse('its checkpoint has no valid signature of a key that is believed')
  }
  const seq = Number(index.slice('index '.length))
  const entry = Buffer.from(extra.slice('extra '.length), 'base64').toString()
  const read = readEntry(entry)
  const hashes = path.map((line) => Buffer.from(line, 'base64'))
  const root = rootOfPath(hashLeaf(entry), seq, head.size, hashes)
  if (root === null || root.toString('base64') !== head.root) {
    return refuse(`entry ${seq} as it stands here is not under that checkpoint`)
  }
  if (read === null || read.seq !== seq || `tollgate/${read.gateway}` !== head.origin) {
    return refuse('the entry is not the one that the proof speaks of')
  }
  return { ok: true, seq, gateway: read.gateway, entry, timeMs: head.timeMs }
}
