// What a reload changed, as audit keeps it: lines of the files that people review, and of the directory only who and
// which key, never a hash.
import { changedLines } from './changed-lines.ts'
import type { Directory, DirectoryCaller, DirectoryKey, Team } from './identify/directory.ts'
import { withoutKeys } from './kernel/redact.ts'
import type { Steps } from './kernel/turns.ts'
import type { Pins } from './pin/pins.ts'
import { describePinsChange } from './pins-change.ts'

/** One set of policies, as far as its changes are told. */
export type ChangingPolicies = {
  readonly directory: Directory
  readonly pins: Pins
  readonly snapshot: { readonly hash: string }
  /** Every file that was read, by name. */
  readonly texts: ReadonlyMap<string, string>
}

/** The difference between two sets of policies. */
export type PolicyChange = {
  readonly oldHash: string
  readonly newHash: string
  /** Names of the files whose text differs. */
  readonly files: readonly string[]
  /** `+ policy.csv:12 p, …` and `- policy.csv:9 p, …`; `+ caller ci` and `~ key 0aB… (revoked)` for the directory. */
  readonly diff: readonly string[]
}

/** A diff is for people; a file written anew is told by its first lines and a count. */
const diffLinesMax = 400
const lineLengthMax = 400

/** Tells what is different; both sets stay as they are. Linear in the length of the files, and may pause at every line. */
export function* describeChange(before: ChangingPolicies, after: ChangingPolicies): Steps<PolicyChange> {
  const names = new Set([...before.texts.keys(), ...after.texts.keys()])
  const files = [...names].filter((name) => before.texts.get(name) !== after.texts.get(name)).sort()
  const shown: string[] = []
  let count = 0
  const tell: Tell = (line) => {
    count += 1
    if (count <= diffLinesMax) shown.push(withoutKeys(line()).slice(0, lineLengthMax))
  }
  for (const name of files) {
    // First what it means: approvals must be in the audit however much else was written anew.
    if (name.endsWith('pins.yaml')) {
      for (const line of describePinsChange(before.pins, after.pins)) {
        tell(() => line)
        yield
      }
    }
    if (name.endsWith('directory.yaml')) yield* tellDirectories(before.directory, after.directory, tell)
    else yield* tellLines(name, before.texts.get(name) ?? '', after.texts.get(name) ?? '', tell)
  }
  const rest = count - shown.length
  return {
    oldHash: before.snapshot.hash,
    newHash: after.snapshot.hash,
    files,
    diff: rest === 0 ? shown : [...shown, `… and ${rest} more lines`],
  }
}

/** Takes one line of the diff; it is only written out when it will be shown. */
type Tell = (line: () => string) => void

function* tellLines(file: string, before: string, after: string, tell: Tell): Steps<void> {
  const { removed, added } = yield* changedLines(before, after)
  for (const { number, line } of removed) {
    tell(() => `- ${file}:${number} ${line}`)
    yield
  }
  for (const { number, line } of added) {
    tell(() => `+ ${file}:${number} ${line}`)
    yield
  }
}

function* tellDirectories(before: Directory, after: Directory, tell: Tell): Steps<void> {
  const changes = yield* compareDirectories(before, after)
  for (const change of changes) tell(() => change)
}

function* compareDirectories(before: Directory, after: Directory): Steps<readonly string[]> {
  const changes = [
    ...(yield* compareById('team', before.teams, after.teams, changedOfTeam)),
    ...(yield* compareById('caller', before.callers, after.callers, changedOfCaller)),
    ...(yield* compareById('key', before.keys, after.keys, changedOfKey)),
  ]
  if (before.unownedTo !== after.unownedTo) changes.push('~ unowned_to')
  // Comments, issuers, the order of things: what it was is in the file's own history.
  return changes.length > 0 ? changes : ['~ directory.yaml: no team, caller or key']
}

function* compareById<Item>(
  what: string,
  before: ReadonlyMap<string, Item>,
  after: ReadonlyMap<string, Item>,
  changesOf: (old: Item, now: Item) => readonly string[],
): Steps<readonly string[]> {
  const changes: string[] = []
  for (const id of before.keys()) {
    if (!after.has(id)) changes.push(`- ${what} ${id}`)
    yield
  }
  for (const [id, now] of after) {
    const old = before.get(id)
    if (old === undefined) changes.push(`+ ${what} ${id}`)
    const changed = old === undefined ? [] : changesOf(old, now)
    if (changed.length > 0) changes.push(`~ ${what} ${id} (${changed.join(', ')})`)
    yield
  }
  return changes
}

const changedOfTeam = (old: Team, now: Team): readonly string[] =>
  old.costCentre === now.costCentre ? [] : ['cost_centre']

function changedOfCaller(old: DirectoryCaller, now: DirectoryCaller): readonly string[] {
  const changes: string[] = []
  if (old.team.name !== now.team.name) changes.push(`team ${old.team.name} -> ${now.team.name}`)
  const [was, is] = [old.roles.join('+') || 'none', now.roles.join('+') || 'none']
  if (was !== is) changes.push(`roles ${was} -> ${is}`)
  return changes
}

type OwnedKey = { readonly key: DirectoryKey; readonly caller: DirectoryCaller }

function changedOfKey(old: OwnedKey, now: OwnedKey): readonly string[] {
  const changes: string[] = []
  if (old.caller.id !== now.caller.id) changes.push(`caller ${old.caller.id} -> ${now.caller.id}`)
  if (old.key.hash !== now.key.hash) changes.push('secret')
  if (old.key.revokedMs !== now.key.revokedMs)
    changes.push(now.key.revokedMs === null ? 'not revoked' : 'revoked')
  if (old.key.expiresMs !== now.key.expiresMs) changes.push('expires')
  if (old.key.cidrs.join() !== now.key.cidrs.join()) changes.push('cidrs')
  if (old.key.scopes?.join() !== now.key.scopes?.join()) changes.push('scopes')
  return changes
}
