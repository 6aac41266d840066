// What a reload changed, as audit keeps it: lines of the files that people review, and of the directory only who and
// which key, never a hash.
import type { Directory, DirectoryCaller, DirectoryKey } from './identify/directory.ts'
import { withoutKeys } from './kernel/redact.ts'

/** One set of policies, as far as its changes are told. */
export type ChangingPolicies = {
  readonly directory: Directory
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

/** Tells what is different; both sets stay as they are. Linear in the length of the files. */
export function describeChange(before: ChangingPolicies, after: ChangingPolicies): PolicyChange {
  const names = new Set([...before.texts.keys(), ...after.texts.keys()])
  const files = [...names].filter((name) => before.texts.get(name) !== after.texts.get(name)).sort()
  const lines = files.flatMap((name) =>
    name.endsWith('directory.yaml')
      ? compareDirectories(before.directory, after.directory)
      : compareLines(name, before.texts.get(name) ?? '', after.texts.get(name) ?? ''),
  )
  const shown = lines.slice(0, diffLinesMax).map((line) => withoutKeys(line).slice(0, lineLengthMax))
  const rest = lines.length - shown.length
  return {
    oldHash: before.snapshot.hash,
    newHash: after.snapshot.hash,
    files,
    diff: rest === 0 ? shown : [...shown, `… and ${rest} more lines`],
  }
}

/** Lines that only one of the texts has, each as often as it has more of them, with the number it has there. */
function compareLines(file: string, before: string, after: string): readonly string[] {
  return [...onlyIn(before, after, `- ${file}`), ...onlyIn(after, before, `+ ${file}`)]
}

function onlyIn(text: string, other: string, label: string): readonly string[] {
  const left = new Map<string, number>()
  for (const line of splitLines(other)) left.set(line, (left.get(line) ?? 0) + 1)
  const found: string[] = []
  for (const [at, line] of splitLines(text).entries()) {
    const count = left.get(line) ?? 0
    if (count > 0) left.set(line, count - 1)
    else if (line !== '') found.push(`${label}:${at + 1} ${line}`)
  }
  return found
}

const splitLines = (text: string): readonly string[] => text.split('\n').map((line) => line.trim())

function compareDirectories(before: Directory, after: Directory): readonly string[] {
  const changes = [
    ...compareById('team', before.teams, after.teams, (old, now) =>
      old.costCentre === now.costCentre ? [] : ['cost_centre'],
    ),
    ...compareById('caller', before.callers, after.callers, changedOfCaller),
    ...compareById('key', keysOf(before), keysOf(after), changedOfKey),
  ]
  if (before.unownedTo !== after.unownedTo) changes.push('~ unowned_to')
  // Comments, issuers, the order of things: what it was is in the file's own history.
  return changes.length > 0 ? changes : ['~ directory.yaml: no team, caller or key']
}

function compareById<Item>(
  what: string,
  before: ReadonlyMap<string, Item>,
  after: ReadonlyMap<string, Item>,
  changesOf: (old: Item, now: Item) => readonly string[],
): string[] {
  const changes: string[] = []
  for (const id of before.keys()) if (!after.has(id)) changes.push(`- ${what} ${id}`)
  for (const [id, now] of after) {
    const old = before.get(id)
    if (old === undefined) changes.push(`+ ${what} ${id}`)
    const changed = old === undefined ? [] : changesOf(old, now)
    if (changed.length > 0) changes.push(`~ ${what} ${id} (${changed.join(', ')})`)
  }
  return changes
}

function changedOfCaller(old: DirectoryCaller, now: DirectoryCaller): readonly string[] {
  const changes: string[] = []
  if (old.team.name !== now.team.name) changes.push(`team ${old.team.name} -> ${now.team.name}`)
  const [was, is] = [old.roles.join('+') || 'none', now.roles.join('+') || 'none']
  if (was !== is) changes.push(`roles ${was} -> ${is}`)
  return changes
}

type OwnedKey = { readonly key: DirectoryKey; readonly owner: string }

function keysOf({ keys }: Directory): ReadonlyMap<string, OwnedKey> {
  const entries = [...keys].map(([id, { key, caller }]): [string, OwnedKey] => [
    id,
    { key, owner: caller.id },
  ])
  return new Map(entries)
}

function changedOfKey(old: OwnedKey, now: OwnedKey): readonly string[] {
  const changes: string[] = []
  if (old.owner !== now.owner) changes.push(`caller ${old.owner} -> ${now.owner}`)
  if (old.key.hash !== now.key.hash) changes.push('secret')
  if (old.key.revokedMs !== now.key.revokedMs)
    changes.push(now.key.revokedMs === null ? 'not revoked' : 'revoked')
  if (old.key.expiresMs !== now.key.expiresMs) changes.push('expires')
  if (old.key.cidrs.join() !== now.key.cidrs.join()) changes.push('cidrs')
  if (old.key.scopes?.join() !== now.key.scopes?.join()) changes.push('scopes')
  return changes
}
