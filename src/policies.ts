// What people decide: the files of `policies/`, read together, checked together, swapped together.
// An invalid file at boot stops the boot; later it keeps the last good policies and turns readiness red.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lintPolicies, loadPolicySnapshot } from './authorize/load-policies.ts'
import type { Snapshot } from './authorize/snapshot.ts'
import { type Directory, parseDirectory } from './identify/directory.ts'
import { PolicyFileError } from './kernel/errors.ts'
import { type Pins, parsePins } from './pin/pins-file.ts'

export type Policies = { readonly directory: Directory; readonly snapshot: Snapshot; readonly pins: Pins }

/** The policies in force. Ask on every request: a reload swaps the whole object. */
export type PolicyStore = {
  readonly current: () => Policies
  /** Why the files as they are now could not be taken over; null when the current policies are the files'. */
  readonly problem: () => string | null
  /** Looks at the files now instead of at the next turn. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

const files = ['model.conf', 'policy.csv', 'directory.yaml', 'pins.yaml', 'cases.csv'] as const

/** Reads every file of the folder. Throws `PolicyFileError` for the first that is missing or wrong; `cases.csv` may be missing. */
export async function loadPolicies(folder: string): Promise<Policies> {
  const text = async (name: (typeof files)[number]): Promise<{ file: string; text: string }> => {
    try {
      return { file: name, text: await readFile(join(folder, name), 'utf8') }
    } catch (cause) {
      throw new PolicyFileError(name, 0, `cannot be read in \`${folder}\` (${codeOf(cause)})`)
    }
  }
  const texts = { model: await text('model.conf'), policy: await text('policy.csv') }
  const { roles } = lintPolicies(texts)
  const directoryFile = await text('directory.yaml')
  const directory = parseDirectory(directoryFile.text, directoryFile.file, roles)
  const pinsFile = await text('pins.yaml')
  const pins = parsePins(pinsFile.text, pinsFile.file)
  const cases = (await exists(join(folder, 'cases.csv'))) ? { cases: await text('cases.csv') } : {}
  return { directory, pins, snapshot: await loadPolicySnapshot({ ...texts, ...cases, directory }) }
}

export type PolicyStoreOptions = {
  readonly folder: string
  readonly onReload: (policies: Policies) => void
  readonly onProblem: (problem: string) => void
  /** How often the files are looked at; 500 ms, so that a revoked key is out within a second. */
  readonly intervalMs?: number
  /** `loadPolicies` unless given. */
  readonly load?: typeof loadPolicies
}

/** Loads the folder and keeps looking at it. Rejects like `loadPolicies` when the first load fails. */
export async function openPolicyStore(options: PolicyStoreOptions): Promise<PolicyStore> {
  const load = options.load ?? loadPolicies
  let seen = await signature(options.folder)
  let current = await load(options.folder)
  let problem: string | null = null
  let turn: Promise<void> = Promise.resolve()

  const look = async (): Promise<void> => {
    const now = await signature(options.folder)
    if (now === seen) return
    seen = now
    try {
      const loaded = await load(options.folder)
      // Somebody is still writing: files of two moments are nobody's policy. The next look takes them.
      if ((await signature(options.folder)) !== now) return
      current = loaded
      problem = null
      options.onReload(current)
    } catch (error) {
      const found =
        error instanceof PolicyFileError ? error.message : `policies cannot be loaded (${codeOf(error)})`
      // What is wrong stays wrong until it changes; what could not be read (too many open files, say) may be readable
      // at the next look, and must not wait for another change: it may be a revocation.
      if (!(error instanceof PolicyFileError && error.line > 0)) seen = ''
      if (found !== problem) options.onProblem(found)
      problem = found
    }
  }
  // One look after the other: one under way may have read a file just before it changed.
  const refresh = (): Promise<void> => {
    turn = turn.then(look)
    return turn
  }
  const timer = setInterval(() => void refresh(), options.intervalMs ?? 500)
  timer.unref()
  return { current: () => current, problem: () => problem, refresh, close: () => clearInterval(timer) }
}

// Modification time alone misses an edit within its resolution; size and inode catch most of what is left.
async function signature(folder: string): Promise<string> {
  const parts = await Promise.all(
    files.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => null)
      return found === null ? `${name} missing` : `${name} ${found.mtimeMs} ${found.size} ${found.ino}`
    }),
  )
  return parts.join('\n')
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error ? String(error.code) : error.message
  return 'unknown'
}
