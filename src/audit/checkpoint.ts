// A checkpoint: the tree's head at one moment, as C2SP writes it (c2sp.org/tlog-checkpoint). Lines of our own behind it
// count the checkpoints, say when, bind the one before, and introduce the key that signs from here on.
import { hash } from 'node:crypto'

export type Checkpoint = {
  /** Names the log: `tollgate/<gateway>`. Also the name of its keys. */
  readonly origin: string
  /** Entries under it. */
  readonly size: number
  /** Base64. */
  readonly root: string
  /** 0, 1, 2, … without a gap. */
  readonly number: number
  readonly timeMs: number
  /** `hashCheckpoint` of the one before, '-' of the first. */
  readonly previous: string
  /** The public key that signs after this one, when that is another. */
  readonly nextKey?: string
}

/** The name of a gateway's log. */
export const originOf = (gateway: string): string => `tollgate/${gateway}`

/** What is signed. */
export function renderCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, number, timeMs, previous, nextKey } = checkpoint
  const lines = [origin, size, root, `number ${number}`, `time ${new Date(timeMs).toISOString()}`]
  const key = nextKey === undefined ? [] : [`next-key ${nextKey}`]
  return `${[...lines, `previous ${previous}`, ...key].join('\n')}\n`
}

/** Reads a note's text; null when it is not exactly what `renderCheckpoint` writes. */
export function readCheckpoint(text: string): Checkpoint | null {
  const [origin = '', size = '', root = '', number = '', time = '', previous = '', key = ''] =
    text.split('\n')
  const checkpoint: Checkpoint = {
    origin,
    size: Number(size),
    root,
    number: Number(after('number ', number)),
    timeMs: Date.parse(after('time ', time)),
    previous: after('previous ', previous),
    ...(key === '' ? {} : { nextKey: after('next-key ', key) }),
  }
  const isSound =
    Number.isSafeInteger(checkpoint.size) &&
    Number.isSafeInteger(checkpoint.number) &&
    Number.isSafeInteger(checkpoint.timeMs)
  return isSound && renderCheckpoint(checkpoint) === text ? checkpoint : null
}

/** What the next checkpoint says of this one, signatures included. Base64. */
export const hashCheckpoint = (note: string): string => hash('sha256', note, 'base64')

const after = (word: string, line: string): string => (line.startsWith(word) ? line.slice(word.length) : '')
