// The next checkpoint of a log: what it says follows from the state, and a new key is introduced by the one before it.
import { type AuditKey, type AuditKeys, listPublicKey } from './audit-keys.ts'
import type { AuditState, Head, SignedCheckpoint } from './audit-state.ts'
import { hashCheckpoint, originOf, renderCheckpoint } from './checkpoint.ts'
import { rootOf } from './merkle.ts'
import { renderNoteKey, signNote } from './signed-note.ts'

/** Makes the signing part of an audit log over the keys in `dir`. It throws when no key can be had. */
export function createSignCheckpoint(dir: string, keys: AuditKeys) {
  return (
    { gateway, checkpoint: last, key: lastKey }: AuditState,
    head: Head,
    timeMs: number,
  ): { readonly signed: SignedCheckpoint; readonly key: string } => {
    const origin = originOf(gateway)
    const newest = keys.newest()
    // An old key that is gone cannot introduce the new one; whoever verifies must then be told of it.
    const old: AuditKey | null = lastKey === '' || lastKey === newest.name ? null : keys.find(lastKey)
    const number = last === null ? 0 : last.number + 1
    const text = renderCheckpoint({
      origin,
      size: head.size,
      root: rootOf(head.frontier).toString('base64'),
      number,
      timeMs,
      previous: last === null ? '-' : hashCheckpoint(last.note),
      ...(old === null ? {} : { nextKey: renderNoteKey({ name: origin, privateKey: newest.privateKey }) }),
    })
    const signers = [...(old === null ? [] : [old]), newest]
    const note = signNote(
      text,
      signers.map(({ privateKey }) => ({ name: origin, privateKey })),
    )
    if (lastKey !== newest.name) for (const key of signers) listPublicKey(dir, origin, key)
    const frontier = head.frontier.map((root) => root.toString('base64'))
    return { signed: { number, size: head.size, timeMs, note, frontier, last: head.last }, key: newest.name }
  }
}
