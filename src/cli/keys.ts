// `tollgate keys create`: one more key, its hash into `directory.yaml`, the key itself to the terminal, once.
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { lintPolicies } from '../authorize/load-policies.ts'
import { addKey } from '../identify/directory-edit.ts'
import { loadPepper } from '../identify/pepper.ts'
import type { CommandIo } from './command-io.ts'
import { loadConfig } from './load-config.ts'

const help = `
  tollgate keys create --caller ci-payments --team payments --role service
  tollgate keys create --caller ci-payments --days 30        one more key for the same caller

A running gateway takes the change within a second. To withdraw a key, give it \`revoked: <date>\` in directory.yaml.
`

type CreateOptions = {
  readonly caller: string
  readonly team?: string
  readonly role: readonly string[]
  readonly days: number
}

/** Adds the command. The key goes to stdout, everything said about it to stderr. */
export function addKeys(program: Command, io: CommandIo): void {
  const keys = program.command('keys').description('the keys of callers, in policies/directory.yaml')
  keys
    .command('create')
    .description('make a key for a caller, and the caller and its team if they are new')
    .requiredOption('--caller <id>', 'who holds the key')
    .option('--team <name>', 'the team of a new caller')
    .option(
      '--role <name>',
      'a role of a new caller; may be repeated',
      (role: string, roles: string[]) => [...roles, role],
      [],
    )
    .option('--days <number>', 'how long the key is valid', parseDays, 90)
    .addHelpText('after', help)
    .action((options: CreateOptions) => {
      const { dataDir, policiesDir } = loadConfig(io)
      const text = (name: string) => ({ file: name, text: readFileSync(join(policiesDir, name), 'utf8') })
      const path = join(policiesDir, 'directory.yaml')
      const nowMs = Date.now()
      const edited = addKey(
        readFileSync(path, 'utf8'),
        'directory.yaml',
        {
          caller: options.caller,
          team: options.team,
          roles: options.role,
          createdMs: nowMs,
          expiresMs: nowMs + options.days * 86_400_000,
        },
        {
          pepper: loadPepper(join(dataDir, 'pepper')),
          knownRoles: lintPolicies({ model: text('model.conf'), policy: text('policy.csv') }).roles,
        },
      )
      // Renamed into place, so that a running gateway never reads half a directory.
      const draft = `${path}.${randomBytes(4).toString('hex')}`
      writeFileSync(draft, edited.text, { flag: 'wx', flush: true })
      renameSync(draft, path)
      io.err(`added to ${path}; the key is shown this once:\n`)
      io.out(`${edited.key.reveal()}\n`)
    })
}

function parseDays(text: string): number {
  const days = Number(text)
  if (/^\d{1,4}$/.test(text) && days >= 1 && days <= 3650) return days
  throw new InvalidArgumentError('must be a number of days from 1 to 3650.')
}
