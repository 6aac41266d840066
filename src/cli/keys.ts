// `tollgate keys`: make, list, rotate, end and withdraw keys, in `directory.yaml`. A key itself is shown once, when made.
import { type Command, InvalidArgumentError } from 'commander'
import { addKey, expireKey, revokeKey, rotateKey } from '../identify/directory-edit.ts'
import { loadPepper } from '../identify/pepper.ts'
import type { CommandIo } from './command-io.ts'
import { openDirectoryFile } from './directory-on-disk.ts'
import { listKeys } from './keys-list.ts'

const help = `
  tollgate keys create --caller ci-payments --team payments --role service
  tollgate keys create --caller ci-payments --days 30 --cidr 10.0.0.0/8 --scope session.* --scope event.*
  tollgate keys list --used
  tollgate keys rotate 0aB1cD2eF3gH --overlap-hours 24
  tollgate keys revoke 0aB1cD2eF3gH

A key id is the 12 characters after \`tg_live_\`. A running gateway takes a change within a second; what a withdrawn
key has open is cut.
`

const dayMs = 86_400_000
const hourMs = 3_600_000

/** Adds the commands. A new key goes to stdout, everything said about it to stderr. */
export function addKeys(program: Command, io: CommandIo): void {
  const keys = program
    .command('keys')
    .description('the keys of callers, in policies/directory.yaml')
    .addHelpText('after', help)
  addCreate(keys, io)
  keys
    .command('list')
    .description('callers and their keys: until when, from where, for what')
    .option(
      '--used',
      'ask the running gateway when each last made a call that was let in; the admin listener keeps no count (needs TOLLGATE_KEY)',
    )
    .option('--json', 'print as JSON')
    .option('--url <url>', 'the admin listener (default: TOLLGATE_ADMIN_URL or http://127.0.0.1:8788)')
    .option('--key-file <path>', 'file that holds the caller key')
    .action((options) => listKeys(options, io))
  keys
    .command('rotate <key-id>')
    .description('make a new key with the same caller and bounds; the old one goes on for a while')
    .option('--overlap-hours <number>', 'how long the old one still works', parseHours, 24)
    .option('--days <number>', 'how long the new one is valid', parseDays, 90)
    .action((keyId: string, { overlapHours, days }: { overlapHours: number; days: number }) => {
      const directory = openDirectoryFile(io)
      const nowMs = Date.now()
      const times = {
        createdMs: nowMs,
        expiresMs: nowMs + days * dayMs,
        oldUntilMs: nowMs + overlapHours * hourMs,
      }
      const deps = { pepper: loadPepper(directory.pepperPath), knownRoles: directory.knownRoles }
      const edited = rotateKey(directory.text, directory.file, { keyId, ...times }, deps)
      directory.write(edited.text)
      io.err(`\`${keyId}\` works for ${overlapHours} more hours at most; the new key is shown this once:\n`)
      io.out(`${edited.key.reveal()}\n`)
    })
  keys
    .command('revoke <key-id>')
    .description('withdraw a key at once')
    .action((keyId: string) => {
      const directory = openDirectoryFile(io)
      directory.write(revokeKey(directory.text, directory.file, { keyId, atMs: Date.now() }, directory))
      io.err(`\`${keyId}\` is withdrawn\n`)
    })
  keys
    .command('expire <key-id>')
    .description('let a key end at another time')
    .requiredOption('--days <number>', 'days from now', parseDays)
    .action((keyId: string, { days }: { days: number }) => {
      const directory = openDirectoryFile(io)
      const nowMs = Date.now()
      const at = { keyId, nowMs, atMs: nowMs + days * dayMs }
      directory.write(expireKey(directory.text, directory.file, at, directory))
      io.err(`\`${keyId}\` ends in ${days} days\n`)
    })
}

type CreateOptions = {
  readonly caller: string
  readonly team?: string
  readonly role: readonly string[]
  readonly days: number
  readonly cidr: readonly string[]
  readonly scope: readonly string[]
}

function addCreate(keys: Command, io: CommandIo): void {
  keys
    .command('create')
    .description('make a key for a caller, and the caller and its team if they are new')
    .requiredOption('--caller <id>', 'who holds the key')
    .option('--team <name>', 'the team of a new caller')
    .option('--role <name>', 'a role of a new caller; may be repeated', collect, [])
    .option('--days <number>', 'how long the key is valid', parseDays, 90)
    .option('--cidr <range>', 'addresses it may be used from; may be repeated', collect, [])
    .option('--scope <action>', 'actions it is limited to, e.g. session.*; may be repeated', collect, [])
    .action(({ caller, team, role, days, cidr, scope }: CreateOptions) => {
      const directory = openDirectoryFile(io)
      const nowMs = Date.now()
      const wanted = { caller, team, roles: role, createdMs: nowMs, expiresMs: nowMs + days * dayMs }
      const deps = { pepper: loadPepper(directory.pepperPath), knownRoles: directory.knownRoles }
      const bounded = { ...wanted, cidrs: cidr, scopes: scope }
      const edited = addKey(directory.text, directory.file, bounded, deps)
      directory.write(edited.text)
      io.err(`added to ${directory.path}; the key is shown this once:\n`)
      io.out(`${edited.key.reveal()}\n`)
    })
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

function parseDays(text: string): number {
  const days = Number(text)
  if (/^\d{1,4}$/.test(text) && days >= 1 && days <= 3650) return days
  throw new InvalidArgumentError('must be a number of days from 1 to 3650.')
}

function parseHours(text: string): number {
  const hours = Number(text)
  if (/^\d{1,4}$/.test(text) && hours <= 8760) return hours
  throw new InvalidArgumentError('must be a number of hours from 0 to 8760.')
}
