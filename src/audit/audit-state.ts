// Where a gateway's audit log stands, in one small file that is replaced whole: the tree's frontier at the last two places
// of the journal, so that whichever of them the journal's cursor says after a crash, the same entries follow.
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../kernel/journal-files.ts'

const base64 = z.string().transform((text): Buffer => Buffer.from(text, 'base64'))

const head = z.object({
  /** Up to here the journal's records are in the tree; null before the first batch. */
  position: z.object({ segment: z.int(), offset: z.int() }).nullable(),
  size: z.int().nonnegative(),
  frontier: z.array(base64).readonly(),
  /** Leaf hash of the last entry, base64. */
  last: z.string(),
})

const signed = z.object({
  number: z.int(),
  size: z.int(),
  timeMs: z.number(),
  note: z.string(),
  /** Base64, largest subtree first. */
  frontier: z.array(z.string()).readonly(),
  /** Leaf hash of the last entry under it, base64. */
  last: z.string(),
})

const shape = z.object({
  gateway: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/),
  current: head,
  previous: head,
  checkpoint: signed.nullable(),
  /** The key that signed the last checkpoint: the name of its file, '' before the first. */
  key: z.string(),
  /** Signed, and not yet known to be in the ledger. */
  pending: z.array(signed).readonly(),
})

/** The tree at one place of the journal. */
export type Head = Readonly<z.output<typeof head>>
/** A checkpoint with what helps to begin at it: the frontier is worth what its root says. */
export type SignedCheckpoint = Readonly<z.output<typeof signed>>
export type AuditState = Readonly<z.output<typeof shape>>

/** A log without entries. */
export function emptyState(gateway: string): AuditState {
  const nothing: Head = { position: null, size: 0, frontier: [], last: '-' }
  return { gateway, current: nothing, previous: nothing, checkpoint: null, key: '', pending: [] }
}

/** Reads the state; undefined when there is no file. Throws a plain `Error` when it cannot be read. */
export async function loadState(dir: string): Promise<AuditState | undefined> {
  const file = path.join(dir, 'state.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    return shape.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`\`${file}\` is damaged; move it away to begin a new audit log beside the old one`, {
      cause,
    })
  }
}

/** Replaces the state so that a crash leaves the old one or the new one. */
export async function storeState(dir: string, state: AuditState): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const toText = ({ frontier, ...rest }: Head) => ({
    ...rest,
    frontier: frontier.map((root) => root.toString('base64')),
  })
  const { current, previous } = state
  await writeDurably(
    path.join(dir, 'state.json'),
    `${JSON.stringify({ ...state, current: toText(current), previous: toText(previous) })}\n`,
  )
}
