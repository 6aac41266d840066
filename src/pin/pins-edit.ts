// Changing pins.yaml as a person would: in place, comments kept, nothing else moved. A text that would not be read back
// is refused, so no command can stop a gateway from taking its policies.
import { type Document, isMap, isSeq, parseDocument, YAMLMap, YAMLSeq } from 'yaml'
import { canonicalJson } from '../kernel/canonical-json.ts'
import type { Pins, Rollout } from './pins.ts'
import { parsePins } from './pins-file.ts'

/** An approval as a command makes it. Times are in ms; `expiresAtMs` null for no end. */
export type NewApproval = {
  readonly agentId: string
  readonly version: number
  readonly configHash: string
  readonly by: string
  readonly ticket: string
  readonly onMs: number
  readonly expiresAtMs: number | null
  /** Stands above the entry as a comment; '' for none. */
  readonly note: string
}

/**
 * The text with this version approved, the newest of its agent; an approval it had is replaced. Throws
 * `PolicyFileError` when the text is not valid before or after, and `Error` when the version is rejected.
 */
export function approveVersion(text: string, file: string, approval: NewApproval): string {
  const { agentId, version, expiresAtMs, note } = approval
  const pins = parsePins(text, file)
  if (pins.rejected.get(agentId)?.has(version) === true) {
    throw new Error(
      `version ${version} of \`${agentId}\` is rejected; take it out of \`rejected\` in ${file} first`,
    )
  }
  const document = parseDocument(text)
  dropApproval(document, pins, agentId, version)
  const entry = document.createNode({
    version,
    config: approval.configHash,
    by: approval.by,
    ticket: approval.ticket,
    on: dateOf(approval.onMs),
    ...(expiresAtMs === null ? {} : { expires: dateOf(expiresAtMs) }),
  })
  entry.flow = true
  if (note !== '') entry.commentBefore = ` ${note.replaceAll(/\s+/g, ' ')}`
  addTo(document, ['approved', agentId], entry)
  return written(document, text, file)
}

/**
 * The text with this version rejected for good, and no longer approved. Throws as `approveVersion`, also when a rollout
 * gives the version to anybody.
 */
export function rejectVersion(text: string, file: string, agentId: string, version: number): string {
  const pins = parsePins(text, file)
  if (pins.rejected.get(agentId)?.has(version) === true) {
    throw new Error(`version ${version} of \`${agentId}\` is rejected already`)
  }
  const rollout = pins.rollouts.get(agentId)
  if (rollout?.canary === version) {
    throw new Error(
      `version ${version} is the canary of \`${agentId}\`; \`tollgate pins rollback ${agentId}\` first`,
    )
  }
  if (rollout?.stable === version) {
    throw new Error(`version ${version} is the stable version of \`${agentId}\`; promote another one first`)
  }
  const document = parseDocument(text)
  dropApproval(document, pins, agentId, version)
  addTo(document, ['rejected', agentId], version)
  return written(document, text, file)
}

export type RolloutChange = 'promote' | 'rollback' | 'hold' | 'release'

/**
 * The text with one step of an agent's rollout taken: `promote` makes the canary stable for all, `rollback` sends all
 * back to stable, `hold` keeps the canary from everybody, `release` lets it go on and forgives what it did until
 * `nowMs`. Throws as `approveVersion`, also when there is no rollout, or no canary.
 */
export function changeRollout(
  text: string,
  file: string,
  {
    agentId,
    change,
    nowMs,
  }: { readonly agentId: string; readonly change: RolloutChange; readonly nowMs: number },
): string {
  const rollout = needRollout(parsePins(text, file), file, agentId)
  const document = parseDocument(text)
  const path = ['rollouts', agentId]
  const drop = (key: string): void => void document.deleteIn([...path, key])
  if (change === 'hold') document.setIn([...path, 'hold'], true)
  if (change === 'release') {
    drop('hold')
    document.setIn(
      [...path, 'released'],
      `${new Date(Math.ceil(nowMs / 1000) * 1000).toISOString().slice(0, 19)}Z`,
    )
  }
  if (change === 'promote' || change === 'rollback') {
    if (change === 'promote') document.setIn([...path, 'stable'], rollout.canary)
    for (const key of ['canary', 'percent', 'hold', 'released']) drop(key)
  }
  return written(document, text, file)
}

/** The text with a version as the agent's canary for so many percent; `stable` is needed when there is no rollout yet. */
export function setCanary(
  text: string,
  file: string,
  wanted: {
    readonly agentId: string
    readonly canary: number
    readonly percent: number
    readonly stable: number | undefined
  },
): string {
  const { agentId, canary, percent, stable } = wanted
  const rollout = parsePins(text, file).rollouts.get(agentId)
  const document = parseDocument(text)
  const path = ['rollouts', agentId]
  if (rollout === undefined) {
    if (stable === undefined)
      throw new Error(`\`${agentId}\` has no rollout yet; name its stable version too`)
    setNew(document, path, document.createNode({ stable, canary, percent }))
    return written(document, text, file)
  }
  if (stable !== undefined) document.setIn([...path, 'stable'], stable)
  document.setIn([...path, 'canary'], canary)
  document.setIn([...path, 'percent'], percent)
  return written(document, text, file)
}

function needRollout(pins: Pins, file: string, agentId: string): Rollout {
  const rollout = pins.rollouts.get(agentId)
  if (rollout === undefined) throw new Error(`\`${agentId}\` has no rollout in ${file}`)
  if (rollout.canary === null)
    throw new Error(`\`${agentId}\` has no canary; everybody gets version ${rollout.stable}`)
  return rollout
}

/** An agent without approvals has no list: an empty one is no valid file. */
function dropApproval(document: Document.Parsed, pins: Pins, agentId: string, version: number): void {
  const approvals = pins.approved.get(agentId) ?? []
  const at = approvals.findIndex((approval) => approval.version === version)
  if (at < 0) return
  if (approvals.length === 1) document.deleteIn(['approved', agentId])
  else document.deleteIn(['approved', agentId, at])
}

function addTo(document: Document.Parsed, path: readonly [string, string], value: unknown): void {
  const list = document.getIn(path)
  if (isSeq(list)) {
    // A list on one line has no room for a comment.
    if (isMapNode(value)) list.flow = false
    list.add(value)
    return
  }
  const created = new YAMLSeq()
  created.add(value)
  setNew(document, path, created)
}

/** Sets a member of a map that may be missing, empty (`approved:`) or written `{}`, which would stay on one line. */
function setNew(document: Document.Parsed, [top, id]: readonly string[], value: unknown): void {
  const map = document.get(top)
  if (isMap(map)) {
    map.flow = false
    map.set(id, value)
    return
  }
  const created = new YAMLMap()
  created.set(id, value)
  document.set(top, created)
}

const isMapNode = (value: unknown): boolean => isMap(value)

const dateOf = (ms: number): string => {
  const text = new Date(ms).toISOString()
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : `${text.slice(0, 19)}Z`
}

function written(document: Document.Parsed, before: string, file: string): string {
  const text = keepSpacing(before, document.toString({ lineWidth: 0 }))
  parsePins(text, file)
  return text
}

/** Lines that nobody changed come back as they were: the library pads every `[3]` or none. */
function keepSpacing(before: string, after: string): string {
  const squeeze = (line: string): string => line.search(/\S|$/) + line.replaceAll(/\s/g, '')
  const written = new Map(before.split('\n').map((line) => [squeeze(line), line]))
  const kept = after
    .split('\n')
    .map((line) => written.get(squeeze(line)) ?? line)
    .join('\n')
  // Blanks inside a text are part of it.
  const isSame = canonicalJson(parseDocument(kept).toJS()) === canonicalJson(parseDocument(after).toJS())
  return isSame ? kept : after
}
