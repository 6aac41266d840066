// `tollgate policy use starter|strict`: one of the shipped policies in the place of `policy.csv` and `cases.csv`.
// Nothing is written before the whole of it is known to load with the directory that is there.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Argument, type Command } from 'commander'
import { lintPolicies, loadPolicySnapshot } from '../authorize/load-policies.ts'
import { parseDirectory } from '../identify/directory.ts'
import { PolicyFileError } from '../kernel/errors.ts'
import { CommandError, type CommandIo } from './command-io.ts'
import { loadConfig } from './load-config.ts'

/** The shipped policies, by name: what each is for. */
const presets = {
  starter: 'developers may do what they like, and everything is in the audit',
  strict:
    'the guide to a secure deployment as rules: limited networking, tools that ask, no inline agents, budgets',
} as const
type Preset = keyof typeof presets
const names: readonly Preset[] = ['starter', 'strict']

const shipped = fileURLToPath(new URL('../../policies/presets/', import.meta.url))
/** What a preset replaces; model and directory are nobody's but the operator's. */
const replaced = ['policy.csv', 'cases.csv'] as const
/** Replaced only while it is as it was shipped: which agents are sensitive is in no preset. */
const pinsFile = 'pins.yaml'
type Shipped = (typeof replaced)[number] | typeof pinsFile

const help = `
${names.map((name) => `  ${name.padEnd(8)} ${presets[name]}`).join('\n')}

Replaces policy.csv and cases.csv, and pins.yaml while nobody has written into it; directory.yaml and model.conf stay as
they are. Files with rules of your own
are replaced with --force only, and kept beside the new ones. A running gateway takes the change within a second.
`

/** Adds \`use\` to the command \`policy\`. What was done is said on stderr. */
export function addPolicyUse(policy: Command, io: CommandIo): void {
  policy
    .command('use')
    .description('put one of the shipped policies in place')
    .addArgument(new Argument('<preset>', 'which one').choices(names))
    .option('--force', 'also over rules of your own, which are kept as policy.csv.before')
    .addHelpText('after', help)
    .action(async (preset: Preset, options: { readonly force?: boolean }) => {
      const { policiesDir } = loadConfig(io)
      io.err(await usePreset(preset, policiesDir, options.force === true))
    })
}

/**
 * Puts the preset in place and resolves with what to tell the operator. Throws CommandError, having changed nothing, when
 * there are no policies yet, when the files hold rules of somebody's own, or when the preset does not fit the directory.
 */
export async function usePreset(preset: Preset, policiesDir: string, isForced: boolean): Promise<string> {
  if (!existsSync(join(policiesDir, 'model.conf'))) {
    throw new CommandError(
      `\`${policiesDir}\` holds no policies yet; run \`tollgate start\` once, which makes them`,
    )
  }
  const isOwn = replaced.some((name) => isEdited(policiesDir, name))
  if (!isOwn && replaced.every((name) => textOf(policiesDir, name) === presetText(preset, name))) {
    return `${preset} is in use already: nothing changed\n`
  }
  if (isOwn && !isForced) {
    throw new CommandError(
      `policy.csv or cases.csv in \`${policiesDir}\` holds rules of your own; --force replaces them and keeps them as ` +
        '`.before`, or copy what you need from ' +
        `\`${join(shipped, preset)}\``,
    )
  }
  await checkFit(preset, policiesDir)
  const isPinned = isEdited(policiesDir, pinsFile)
  replaceFiles(preset, policiesDir, isOwn, isPinned ? replaced : [...replaced, pinsFile])
  const kept = isOwn ? '; your own are kept as policy.csv.before and cases.csv.before' : ''
  return `${preset} is in use in ${policiesDir}: ${presets[preset]}${kept}${isPinned ? '; pins.yaml stays your own' : ''}\n`
}

/** A text that is none of the presets' is somebody's work. */
function isEdited(policiesDir: string, name: Shipped): boolean {
  const text = textOf(policiesDir, name)
  return text !== undefined && names.every((preset) => presetText(preset, name) !== text)
}

/** Loads what would be there; the gateway would refuse the same, but after the fact. */
async function checkFit(preset: Preset, policiesDir: string): Promise<void> {
  const source = (file: string) => ({ file, text: textOf(policiesDir, file) ?? '' })
  const policy = { file: 'policy.csv', text: presetText(preset, 'policy.csv') }
  const cases = { file: 'cases.csv', text: presetText(preset, 'cases.csv') }
  const texts = { model: source('model.conf'), policy, cases }
  try {
    const { text, file } = source('directory.yaml')
    const directory = parseDirectory(text, file, lintPolicies(texts).roles)
    await loadPolicySnapshot({ ...texts, directory })
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error
    throw new CommandError(`${preset} does not fit what is there, so nothing was changed: ${error.message}`)
  }
}

/** All drafts first, then all renames: a gateway that looks in between sees one set of files or the other. */
function replaceFiles(preset: Preset, policiesDir: string, isOwn: boolean, files: readonly Shipped[]): void {
  const drafts = files.map((name) => {
    const path = join(policiesDir, name)
    const draft = `${path}.${randomBytes(4).toString('hex')}`
    writeFileSync(draft, presetText(preset, name), { flag: 'wx', flush: true })
    return { path, draft }
  })
  for (const { path, draft } of drafts) {
    if (isOwn && !path.endsWith(pinsFile) && existsSync(path))
      writeFileSync(`${path}.before`, readFileSync(path), { flush: true })
    renameSync(draft, path)
  }
}

function presetText(preset: Preset, name: Shipped): string {
  return readFileSync(join(shipped, preset, name), 'utf8')
}

function textOf(folder: string, name: string): string | undefined {
  const path = join(folder, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
