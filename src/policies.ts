// What people decide: the files of `policies/`, read together, checked together, swapped together.
// An invalid file at boot stops the boot; later it keeps the last good policies and turns readiness red.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lintPoliciesInTurns, loadPolicySnapshot } from './authorize/load-policies.ts'
import type { Snapshot } from './authorize/snapshot.ts'
import type { Directory } from './identify/directory.ts'
import { PolicyFileError } from './kernel/errors.ts'
import { runInTurns } from './kernel/turns.ts'
import type { Pins } from './pin/pins-file.ts'
import { describeChange, type PolicyChange } from './policy-change.ts'
import { type Budgets, noBudgets, parseBudgets } from './price/budgets/budgets-file.ts'
import { createPricesReader, noTerms, type PriceTerms } from './price/prices-file.ts'
import { createReaderAside, readAtOnce } from './read-aside.ts'
import { codeOf, createWatched } from './watched-files.ts'

export type Policies = {
  readonly directory: Directory
  readonly snapshot: Snapshot
  readonly pins: Pins
  /** What contract and markups make of list prices. */
  readonly prices: PriceTerms
  /** Who may use how much, and what happens then. */
  readonly budgets: Budgets
  /** Every file as it was read, by name. */
  readonly texts: ReadonlyMap<string, string>
}

/** The policies in force. Ask on every request: a reload swaps the whole object. */
export type PolicyStore = {
  readonly current: () => Policies
  /** Why the files as they are now could not be taken over; null when the current policies are the files'. */
  readonly problem: () => string | null
  /** The policies of `candidate/`, judged beside the current ones; null when there are none that can be judged by. */
  readonly candidate: () => Policies | null
  /** Why `candidate/` cannot be judged by; null when it can, or is not there. */
  readonly candidateProblem: () => string | null
  /** Looks at the files now instead of at the next turn. */
  readonly refresh: () => Promise<void>
  /** Reads the files now, also when they look unchanged; never rejects. */
  readonly reload: () => Promise<void>
  readonly close: () => void
}

const files = [
  'model.conf',
  'policy.csv',
  'directory.yaml',
  'pins.yaml',
  'prices.yaml',
  'budgets.yaml',
  'cases.csv',
] as const
type FileName = (typeof files)[number]

/** The folder inside the policies that holds what is not decided yet: any of the same files. */
const candidateName = 'candidate'

/**
 * Reads every file of the folder, in slices between which everything else goes on. What is missing besides `policy.csv`
 * and `cases.csv` is read `elsewhere`, so that a preset can be judged by.
 * Rejects with `PolicyFileError` for the first that is missing or wrong; `cases.csv`, `prices.yaml` and `budgets.yaml` may be
 * missing.
 */
export const loadPolicies = (folder: string, elsewhere = folder): Promise<Policies> =>
  createPolicyLoader()(folder, false, elsewhere)

/** As `loadPolicies`, each file that the folder's `candidate/` has in the place of the folder's own. */
export const loadCandidate = (folder: string): Promise<Policies> => createPolicyLoader()(folder, true)

/**
 * `loadPolicies` that remembers: a directory or pins that did not change are not parsed again, which YAML makes dear.
 * With `isCandidate` each file that the folder's `candidate/` has takes the place of the folder's own.
 */
export function createPolicyLoader(
  knownUpstreams: ReadonlySet<string> | null = null,
  reader = readAtOnce,
): (folder: string, isCandidate?: boolean, elsewhere?: string) => Promise<Policies> {
  let readDirectory = remembering(reader.directory)
  let knownRoles = ''
  const readPins = remembering(reader.pins)
  const readPrices = createPricesReader()
  const readBudgets = rememberingNow(parseBudgets)

  return async (folder, isCandidate = false, elsewhere = folder) => {
    const kept = new Map<string, string>()
    const text = async (name: FileName) => {
      const drafted = isCandidate && (await exists(join(folder, candidateName, name)))
      const isHere = drafted || name === 'policy.csv' || (await exists(join(folder, name)))
      const source = await readText(isHere ? folder : elsewhere, drafted ? `${candidateName}/${name}` : name)
      kept.set(name, source.text)
      return source
    }
    const texts = { model: await text('model.conf'), policy: await text('policy.csv') }
    const linted = await lintPoliciesInTurns(texts)
    const roles = [...linted.roles].sort().join()
    // The same directory may name a role that is gone, or one that is new.
    if (roles !== knownRoles) readDirectory = remembering(reader.directory)
    knownRoles = roles
    const directoryFile = await text('directory.yaml')
    const directory = await readDirectory(
      directoryFile.text,
      directoryFile.file,
      linted.roles,
      knownUpstreams,
    )
    const pinsFile = await text('pins.yaml')
    const pins = await readPins(pinsFile.text, pinsFile.file)
    const has = async (name: FileName, ...others: readonly string[]) => {
      const folders = [folder, ...(isCandidate ? [join(folder, candidateName)] : []), ...others]
      return (await Promise.all(folders.map((each) => exists(join(each, name))))).includes(true)
    }
    const pricesFile = (await has('prices.yaml', elsewhere)) ? await text('prices.yaml') : null
    const prices = pricesFile === null ? noTerms : readPrices(pricesFile.text, pricesFile.file)
    const budgetsFile = (await has('budgets.yaml', elsewhere)) ? await text('budgets.yaml') : null
    const budgets = budgetsFile === null ? noBudgets : readBudgets(budgetsFile.text, budgetsFile.file)
    const cases = (await has('cases.csv')) ? { cases: await text('cases.csv') } : {}
    const snapshot = await loadPolicySnapshot({ ...texts, ...cases, directory, linted })
    return { directory, pins, prices, budgets, snapshot, texts: kept }
  }
}

async function readText(folder: string, name: string): Promise<{ file: string; text: string }> {
  try {
    return { file: name, text: await readFile(join(folder, name), 'utf8') }
  } catch (cause) {
    throw new PolicyFileError(name, 0, `cannot be read in \`${folder}\` (${codeOf(cause)})`)
  }
}

/** The parser, with the last text it took and what came of it. */
function remembering<Rest extends readonly unknown[], Result>(
  parse: (text: string, ...rest: Rest) => Promise<Result>,
): (text: string, ...rest: Rest) => Promise<Result> {
  let last: { readonly text: string; readonly result: Result } | null = null
  return async (text, ...rest) => {
    if (last?.text === text) return last.result
    const result = await parse(text, ...rest)
    last = { text, result }
    return result
  }
}

/** The same for a parser that needs no time: what did not change stays the same object. */
function rememberingNow<Result>(parse: (text: string, file: string) => Result): typeof parse {
  let last: { readonly text: string; readonly result: Result } | null = null
  return (text, file) => {
    if (last?.text !== text) last = { text, result: parse(text, file) }
    return last.result
  }
}

export type PolicyStoreOptions = {
  readonly folder: string
  /** Told once the new policies are in force, with what is different. */
  readonly onReload: (policies: Policies, change: PolicyChange) => void
  readonly onProblem: (problem: string) => void
  /** Told when `candidate/` came, changed or went (both null), or cannot be judged by. */
  readonly onCandidate?: (candidate: Policies | null, problem: string | null) => void
  /** How often the files are looked at; 250 ms, so that a revoked key is out within a second, a large reload included. */
  readonly intervalMs?: number
  /** What a team may be bound to; null checks none. */
  readonly knownUpstreams?: ReadonlySet<string> | null
  /** `loadPolicies` unless given. */
  readonly load?: typeof loadPolicies
}

/** Loads the folder and keeps looking at it. Rejects like `loadPolicies` when the first load fails. */
export async function openPolicyStore(options: PolicyStoreOptions): Promise<PolicyStore> {
  const { folder } = options
  const loader = () => createPolicyLoader(options.knownUpstreams, createReaderAside())
  const load = options.load ?? loader()
  const live = createWatched(
    () => signature(folder),
    () => load(folder),
  )
  const loadDraft = loader()
  // What it leaves out is the live set's, so a change of either is a change of it.
  const draft = createWatched(
    async () => `${await signature(folder)}\n${await signature(join(folder, candidateName))}`,
    async () => ((await hasCandidate(folder)) ? loadDraft(folder, true) : null),
  )
  const first = await live.look(false)
  if (first.kind !== 'taken')
    throw first.kind === 'refused' ? first.error : new Error('the policies keep changing')
  let current = first.value
  let candidate: Policies | null = null
  let turn: Promise<void> = Promise.resolve()

  const lookAtLive = async (isForced: boolean): Promise<void> => {
    const outcome = await live.look(isForced)
    if (outcome.kind === 'refused' && outcome.isNew) options.onProblem(outcome.problem)
    if (outcome.kind !== 'taken') return
    const change = await runInTurns(describeChange(current, outcome.value))
    current = outcome.value
    options.onReload(current, change)
  }
  const lookAtCandidate = async (isForced: boolean): Promise<void> => {
    const outcome = await draft.look(isForced)
    if (outcome.kind === 'unchanged') return
    const before = candidate
    candidate = outcome.kind === 'taken' ? outcome.value : null
    const isNews = outcome.kind === 'refused' ? outcome.isNew : before !== candidate
    if (isNews) options.onCandidate?.(candidate, draft.problem())
  }
  // One look after the other: one under way may have read a file just before it changed.
  const lookAtBoth = (isForced: boolean): Promise<void> => {
    turn = turn.then(() => lookAtLive(isForced)).then(() => lookAtCandidate(isForced))
    return turn
  }
  const refresh = (): Promise<void> => lookAtBoth(false)
  await lookAtCandidate(false)
  const timer = setInterval(() => void refresh(), options.intervalMs ?? 250)
  timer.unref()
  return {
    current: () => current,
    problem: live.problem,
    candidate: () => candidate,
    candidateProblem: draft.problem,
    refresh,
    reload: () => lookAtBoth(true),
    close: () => clearInterval(timer),
  }
}

async function hasCandidate(folder: string): Promise<boolean> {
  const found = await Promise.all(files.map((name) => exists(join(folder, candidateName, name))))
  return found.includes(true)
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
