// One gateway's log, line by line: is every entry the one that was signed for, and is none missing? What does not fit is
// told with its place; the next signed checkpoint is a firm place to go on from, so one fault does not hide another.
import type { BundleCheckpoint, BundleEntry } from './bundle.ts'
import { type Checkpoint, hashCheckpoint, originOf, readCheckpoint } from './checkpoint.ts'
import { describeRecord, noEntry, readEntry } from './entry.ts'
import { appendLeaf, type Frontier, frontierLength, hashLeaf, rootOf } from './merkle.ts'
import { type NoteKey, readNote, readNoteKey, verifyNote } from './signed-note.ts'

/** `tampered`: what is there is not what was signed. `incomplete`: what was signed is not there. */
export type Finding = {
  readonly verdict: 'tampered' | 'incomplete'
  readonly gateway: string
  /** The first entry it concerns. */
  readonly seq: number | null
  readonly checkpoint: number | null
  readonly message: string
}

export type LogOptions = {
  readonly gateway: string
  /** Keys that are believed. */
  readonly keys: readonly NoteKey[]
  /** Checkpoints kept elsewhere, by number, as whole notes. */
  readonly anchored: ReadonlyMap<number, string>
  readonly report: (finding: Finding) => void
}

/** How far a log was read. */
export type LogProgress = {
  readonly entries: number
  readonly checkpoints: number
  readonly firstSeq: number | null
  /** The next entry's number. */
  readonly nextSeq: number
  /** Under the last checkpoint. */
  readonly signedSize: number
  readonly firstCheckpoint: Checkpoint | null
  readonly lastCheckpoint: Checkpoint | null
}

export type LogCheck = {
  readonly entry: (line: BundleEntry) => void
  readonly checkpoint: (line: BundleCheckpoint) => void
  /** Tells what was waiting for the next line. */
  readonly end: () => LogProgress
}

type Signed = { readonly head: Checkpoint; readonly note: string }

/** Checks one log from its first line on. Nothing throws; everything goes to `report`. */
export function createLogCheck({ gateway, keys, anchored, report }: LogOptions): LogCheck {
  let believed = keys
  let next: number | null = null
  let frontier: Frontier = []
  /** Leaf hash of the entry before, base64; null when it is not certain. */
  let chained: string | null = noEntry
  /** False from a fault until the next checkpoint: the tree cannot be computed in between. */
  let isWhole = true
  let first: Checkpoint | null = null
  let last: Signed | null = null
  let waiting: Finding | null = null
  const counts = { entries: 0, checkpoints: 0 }
  let firstSeq: number | null = null

  const find = (
    verdict: Finding['verdict'],
    at: Partial<Pick<Finding, 'seq' | 'checkpoint'>>,
    message: string,
  ) => {
    isWhole = false
    report({ verdict, gateway, seq: at.seq ?? null, checkpoint: at.checkpoint ?? null, message })
  }
  const tellWaiting = (): void => {
    if (waiting !== null) report(waiting)
    waiting = null
  }
  const missing = (from: number, to: number): void => {
    const which = to - from === 1 ? `entry ${from} is` : `entries ${from} to ${to - 1} are`
    find('incomplete', { seq: from }, `${which} missing`)
    chained = null
  }

  /** An entry whose own text is sound may still not be the one its successor was chained to. */
  const checkChain = (seq: number, prev: string): void => {
    if (chained === null || prev === chained) {
      tellWaiting()
      return
    }
    waiting = null
    if (seq === 0) find('tampered', { seq }, 'entry 0 says that another one stands before it')
    else
      find(
        'tampered',
        { seq: seq - 1 },
        `entry ${seq - 1} is not the one that entry ${seq} was written after`,
      )
  }

  const entry = (line: BundleEntry): void => {
    const { seq } = line
    counts.entries += 1
    firstSeq ??= seq
    next ??= 0
    if (seq < next) {
      find('tampered', { seq }, `entry ${seq} stands here twice, or not in its place`)
      return
    }
    if (seq > next) missing(next, seq)
    next = seq + 1
    const leaf = hashLeaf(line.entry)
    const { fault, prev } = checkEntry(gateway, line, leaf)
    if (fault !== null) {
      tellWaiting()
      find('tampered', { seq }, `entry ${seq} ${fault}`)
      chained = null
      return
    }
    checkChain(seq, prev)
    chained = leaf.toString('base64')
    if (isWhole) frontier = appendLeaf(frontier, seq, leaf)
  }

  const checkpoint = (line: BundleCheckpoint): void => {
    const { number } = line
    counts.checkpoints += 1
    const { head, fault, nextKeys } = checkSignature(gateway, line, believed)
    if (head === null) {
      find('tampered', { checkpoint: number, seq: next }, `checkpoint ${number} ${fault}`)
      return
    }
    believed = nextKeys
    checkOrder(line, head)
    checkTree(line, head)
    first ??= head
    last = { head, note: line.note }
  }

  const checkOrder = ({ number, note }: BundleCheckpoint, head: Checkpoint): void => {
    const at = { checkpoint: number, seq: next }
    const known = anchored.get(number)
    if (known !== undefined && known !== note) {
      find('tampered', at, `checkpoint ${number} is not the one that was anchored`)
    }
    if (last === null) {
      // A part may begin with any checkpoint, but not with entries before it.
      if (number > 0 && next !== null) find('incomplete', at, `checkpoints 0 to ${number - 1} are missing`)
      return
    }
    const before = last.head
    if (number <= before.number)
      find('tampered', at, `checkpoint ${number} stands here twice, or not in its place`)
    else if (number > before.number + 1) {
      find('incomplete', at, `checkpoints ${before.number + 1} to ${number - 1} are missing`)
    } else if (head.previous !== hashCheckpoint(last.note)) {
      find(
        'tampered',
        at,
        `checkpoint ${number} was written after another checkpoint ${before.number} than this one`,
      )
    } else if (head.timeMs < before.timeMs) {
      find('tampered', at, `checkpoint ${number} is older than the one before it`)
    }
  }

  const checkTree = ({ number, frontier: told }: BundleCheckpoint, head: Checkpoint): void => {
    const { size, root } = head
    const at = { checkpoint: number, seq: last?.head.size ?? 0 }
    const roots = told.map((text) => Buffer.from(text, 'base64'))
    const isTold = roots.length === frontierLength(size) && rootOf(roots).toString('base64') === root
    if (next === null && (number > 0 || size === 0)) {
      // The part begins here: what lies before is one hash.
      next = size
      frontier = roots
      chained = size === 0 ? noEntry : null
    } else if ((next ?? 0) < size) missing(next ?? 0, size)
    else if ((next ?? 0) > size) {
      find(
        'tampered',
        { ...at, seq: size },
        `entry ${size} stands before checkpoint ${number}, which has it not`,
      )
    } else if (isWhole && rootOf(frontier).toString('base64') !== root) {
      const message = `entries ${at.seq} to ${size - 1} are not those that checkpoint ${number} was signed for`
      waiting = { verdict: 'tampered', gateway, ...at, message }
      isWhole = false
    }
    if (!isTold)
      find(
        'tampered',
        { checkpoint: number, seq: next },
        `checkpoint ${number} has hashes beside it that are not its own`,
      )
    if (!isWhole) frontier = roots
    next = Math.max(next ?? 0, size)
    isWhole = isTold && next === size
  }

  return {
    entry,
    checkpoint,
    end: () => {
      tellWaiting()
      return {
        ...counts,
        firstSeq,
        nextSeq: next ?? 0,
        signedSize: last?.head.size ?? 0,
        firstCheckpoint: first,
        lastCheckpoint: last?.head ?? null,
      }
    },
  }
}

function checkEntry(
  gateway: string,
  line: BundleEntry,
  leaf: Buffer,
): { readonly fault: string | null; readonly prev: string } {
  const read = readEntry(line.entry)
  if (read === null) return { fault: 'cannot be read', prev: '' }
  const { prev } = read
  if (read.seq !== line.seq) return { fault: `holds the text of entry ${read.seq}`, prev }
  if (read.gateway !== gateway) return { fault: `is one of \`${read.gateway}\``, prev }
  if (leaf.toString('hex') !== line.leaf_hash) return { fault: 'is not what its hash was made of', prev }
  const told = describeRecord(read.record)
  const isTold =
    told.kind === line.record_kind &&
    told.record_id === line.record_id &&
    told.occurred_at_ms === line.occurred_at_ms
  return { fault: isTold ? null : 'stands under a kind, an id or a time that is not its own', prev }
}

type SignatureCheck = {
  readonly head: Checkpoint | null
  readonly fault: string
  readonly nextKeys: readonly NoteKey[]
}

function checkSignature(gateway: string, line: BundleCheckpoint, keys: readonly NoteKey[]): SignatureCheck {
  const refuse = (fault: string): SignatureCheck => ({ head: null, fault, nextKeys: keys })
  const note = readNote(line.note)
  const head = note === null ? null : readCheckpoint(note.text)
  if (note === null || head === null) return refuse('cannot be read')
  if (head.origin !== originOf(gateway)) return refuse(`is one of \`${head.origin}\``)
  if (head.number !== line.number || head.size !== line.size || head.timeMs !== line.time_ms) {
    return refuse('stands under a number, a size or a time that is not its own')
  }
  const signers = verifyNote(note, keys)
  if (signers.length === 0) return refuse('has no valid signature of a key that is believed')
  if (head.nextKey === undefined) return { head, fault: '', nextKeys: keys }
  const introduced = readNoteKey(head.nextKey)
  if (introduced === null || introduced.name !== head.origin) return refuse('introduces a key that is none')
  // What signed the introduction signs no more.
  const others = keys.filter((key) => !signers.includes(key) && key.id !== introduced.id)
  return { head, fault: '', nextKeys: [...others, introduced] }
}
