// The first `policies/directory.yaml`, made when there is none: one team, one admin, one key shown once.
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Document } from 'yaml'
import type { Secret } from '../kernel/secret.ts'
import { isoSeconds } from './directory-edit.ts'
import { hashKey, mintKey } from './virtual-key.ts'

/** How long a new key lives unless somebody says otherwise. */
export const keyLifetimeDays = 90

export type FirstDirectory = {
  /** Content for `directory.yaml`; it holds the key's hash, never the key. */
  readonly text: string
  /** The admin's key. It exists nowhere else: show it once. */
  readonly key: Secret
  readonly expiresMs: number
}

/** Makes the text of a first directory: team `platform`, caller `first-admin`, one key valid for 90 days. */
export function createFirstDirectory(deps: {
  readonly pepper: Secret
  readonly nowMs: number
}): FirstDirectory {
  const minted = mintKey()
  const expiresMs = deps.nowMs + keyLifetimeDays * 86_400_000
  const key = {
    id: minted.keyId,
    hash: hashKey(deps.pepper, minted),
    created: isoSeconds(deps.nowMs),
    expires: isoSeconds(expiresMs),
  }
  const document = new Document({
    unowned_to: null,
    teams: [{ name: 'platform', cost_centre: 'CC-0000' }],
    callers: [{ id: 'first-admin', team: 'platform', roles: ['admin'], keys: [key] }],
  })
  document.commentBefore = header
  for (const [path, comment] of comments) {
    const node = document.getIn(path, true)
    if (isCommentable(node)) node.commentBefore = comment
  }
  return { text: document.toString({ lineWidth: 0 }), key: minted.text, expiresMs }
}

/**
 * Puts a first directory at `path` unless a file is there already (then undefined, and nothing is touched).
 * The file appears whole or not at all, also when two processes start at once.
 */
export function createFirstDirectoryFile(
  path: string,
  deps: { readonly pepper: Secret; readonly nowMs: number },
): FirstDirectory | undefined {
  const first = createFirstDirectory(deps)
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, first.text, { flag: 'wx', mode: 0o644, flush: true })
  try {
    linkSync(draft, path)
    return first
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  } finally {
    unlinkSync(draft)
  }
}

const header = ` Who may call this gateway. Reviewed like code: a change here is a change of access.
 Keys are never written here, only their HMAC under the pepper in data/pepper.
 What each role may do is in policy.csv; a caller has its roles in its own team only.`

/** Comments and the node each one stands above. */
const comments: readonly (readonly [readonly (string | number)[], string])[] = [
  [
    ['teams', 0],
    ` A team owns what its callers create, and pays for it.
 cost_centre is what finance reads on the statement.`,
  ],
  [
    ['callers', 0],
    ` A caller is a person, a service or a pipeline: whoever holds one of its keys.
 roles: any of viewer, developer, operator, auditor, admin, service, worker, or a role of your own in policy.csv.`,
  ],
  [
    ['callers', 0, 'keys', 0],
    ` id is the public part, the 12 characters after tg_live_.
 expires is required. To withdraw a key at once, add: revoked: <date and time>`,
  ],
]

function isCommentable(node: unknown): node is { commentBefore: string | null } {
  return typeof node === 'object' && node !== null && 'items' in node
}
