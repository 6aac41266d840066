// The owner's name in the metadata of what a caller makes, where the upstream keeps it for every gateway to read.
// Nobody else may write it: callers cannot send a key of ours, and cannot clear metadata as a whole.
import type { Caller } from '../../identify/caller.ts'
import type { Denial } from '../../kernel/errors.ts'
import { memberOf } from '../../kernel/own-member.ts'
import { memberSpans, withMembers } from '../../upstream/member-spans.ts'
import type { Operation } from '../../upstream/operation-type.ts'
import { ownedByCreation, ownedByParam } from '../../upstream/owned-kinds.ts'
import { exchangeKey, ownerKey, reservedPrefix, writeStamp } from './owner.ts'

export type StampRequest = {
  readonly operation: Operation
  readonly caller: Caller
  readonly exchangeId: string
  /** The bytes as pinned, and the reading of them. */
  readonly body: Buffer
  readonly parsed: unknown
}

/** The body with the caller's stamp in it; null when nothing is stamped; a denial when it forges one. */
export type Stamp = (request: StampRequest) => Buffer | Denial | null

/** The upstream's limit of pairs in one `metadata`. */
const pairsMax = 16

/** Makes the stamp; with `isOn` false it refuses forgeries and stamps nothing. */
export function createStamp({ isOn }: { readonly isOn: boolean }): Stamp {
  return ({ operation, caller, exchangeId, body, parsed }) => {
    if (typeof parsed !== 'object' || parsed === null) return null
    const refusal = refuseForgery(operation, parsed)
    if (refusal !== null) return refusal
    if (!isOn || ownedByCreation.get(operation.id)?.hasMetadata !== true) return null
    const metadata = memberOf(parsed, 'metadata')
    if (metadata !== undefined && (typeof metadata !== 'object' || Array.isArray(metadata))) return null
    const room = pairsMax - Object.keys(metadata ?? {}).length
    const pairs = [
      `"${ownerKey}":${asciiJson(writeStamp({ team: caller.team, caller: caller.id }))}`,
      `"${exchangeKey}":${asciiJson(exchangeId)}`,
    ].slice(0, Math.max(0, room))
    return pairs.length === 0 ? null : insertPairs(body, pairs.join(','))
  }
}

/** As a lenient parser might read the beginning of a key; the rest of a long one decides nothing, and could cost much. */
const folded = (key: string): string =>
  key.trimStart().slice(0, foldedChars).normalize('NFKC').toLowerCase().trim()

const foldedChars = 64

/** Where a caller says which channel of a rollout it wants; the one key with our prefix that is its own. */
const channelKey = 'tollgate_channel'
const channels: ReadonlySet<unknown> = new Set(['stable', 'canary', null])

function refuseForgery(operation: Operation, parsed: object): Denial | null {
  for (const name of Object.keys(parsed)) {
    if (folded(name) !== 'metadata') continue
    if (name !== 'metadata') {
      return deny('body.shape', 'a member of the body is named almost like `metadata`; spell it so')
    }
    const metadata = memberOf(parsed, name)
    if (metadata === null && isUpdateOfOwned(operation)) {
      return deny(
        'ownership.key_reserved',
        '`metadata: null` would take away the name of the owner; set single keys to null, or leave `metadata` out',
      )
    }
    if (typeof metadata !== 'object' || metadata === null) continue
    const reserved = Object.keys(metadata).find(
      (key) =>
        folded(key).startsWith(reservedPrefix) &&
        !(key === channelKey && channels.has(memberOf(metadata, key))),
    )
    if (reserved !== undefined) {
      return deny(
        'ownership.key_reserved',
        `\`metadata\` keys that begin with \`${reservedPrefix}\` are Tollgate's own; leave them out, it writes and keeps them itself`,
      )
    }
  }
  return null
}

/** A change of an object that may carry a stamp. */
function isUpdateOfOwned({ objectParam, action }: Operation): boolean {
  return (
    action.endsWith('.update') &&
    objectParam !== undefined &&
    ownedByParam.get(objectParam)?.hasMetadata === true
  )
}

const deny = (code: Denial['code'], message: string): Denial => ({ kind: 'denial', code, message, rule: '' })

/** JSON text in which a character is a byte. */
const asciiJson = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u0080-\uffff]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Adds pairs at the end of `metadata`, which is made when it is not there. */
function insertPairs(body: Buffer, pairs: string): Buffer {
  // One character a byte, so that offsets in the text are offsets in the body.
  const text = body.toString('latin1')
  const members = memberSpans(text)
  const metadata = members.get('metadata')
  const inserted =
    metadata === undefined
      ? withMembers(text, `"metadata":{${pairs}}`)
      : text.slice(0, metadata.start) +
        withMembers(text.slice(metadata.start, metadata.end), pairs) +
        text.slice(metadata.end)
  return Buffer.from(inserted, 'latin1')
}
