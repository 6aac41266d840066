// `tollgate keys list`: what directory.yaml says of each key, and on demand when the gateway last saw it.
import Table from 'cli-table3'
import { z } from 'zod'
import { type Directory, type DirectoryKey, parseDirectory } from '../identify/directory.ts'
import { isoSeconds } from '../identify/directory-edit.ts'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { CommandError, type CommandIo } from './command-io.ts'
import { openDirectoryFile } from './directory-on-disk.ts'

type ListOptions = AdminOptions & { readonly used?: true; readonly json?: true }

type Line = {
  readonly id: string
  readonly caller: string
  readonly team: string
  readonly roles: readonly string[]
  readonly state: 'valid' | 'expired' | 'revoked'
  readonly created: string
  readonly expires: string
  readonly revoked: string | null
  readonly cidrs: readonly string[]
  readonly scopes: readonly string[] | null
  /** null when it was never used; absent when nobody was asked. */
  readonly last_used?: string | null
}

/** Prints the keys. Throws `CommandError` when the gateway is asked and does not answer. */
export async function listKeys(options: ListOptions, io: CommandIo): Promise<void> {
  const { text, file, knownRoles } = openDirectoryFile(io)
  const used = options.used === true ? await readUsed(options, io) : null
  const lines = linesOf(parseDirectory(text, file, knownRoles), used, Date.now())
  io.out(
    options.json === true ? `${JSON.stringify({ keys: lines }, null, 2)}\n` : render(lines, used !== null),
  )
}

const usedAnswer = z.object({ keys: z.array(z.object({ key_id: z.string(), last_used: z.string() })) })

async function readUsed(options: ListOptions, io: CommandIo): Promise<ReadonlyMap<string, string>> {
  const answer = usedAnswer.safeParse(parseJson(await askAdmin('/api/v1/keys/used', {}, options, io)))
  if (!answer.success)
    throw new CommandError('the admin listener answered in a form this version does not know')
  return new Map(answer.data.keys.map(({ key_id, last_used }) => [key_id, last_used]))
}

function linesOf(
  { callers }: Directory,
  used: ReadonlyMap<string, string> | null,
  nowMs: number,
): readonly Line[] {
  return [...callers.values()].flatMap(({ id: caller, team, roles, keys }) =>
    keys.map((key) => ({
      id: key.id,
      caller,
      team: team.name,
      roles,
      state: stateOf(key, nowMs),
      created: isoSeconds(key.createdMs),
      expires: isoSeconds(key.expiresMs),
      revoked: key.revokedMs === null ? null : isoSeconds(key.revokedMs),
      cidrs: key.cidrs,
      scopes: key.scopes,
      ...(used === null ? {} : { last_used: used.get(key.id) ?? null }),
    })),
  )
}

function stateOf({ revokedMs, expiresMs }: DirectoryKey, nowMs: number): Line['state'] {
  if (revokedMs !== null && revokedMs <= nowMs) return 'revoked'
  return expiresMs <= nowMs ? 'expired' : 'valid'
}

function render(lines: readonly Line[], withUse: boolean): string {
  const head = ['key', 'caller', 'team', 'roles', 'state', 'expires', 'only from', 'only for']
  const table = new Table({ head: withUse ? [...head, 'last used'] : head, style: { head: [], border: [] } })
  for (const line of lines) {
    const { id, caller, team, roles, state, expires, cidrs, scopes } = line
    const row = [id, caller, team, roles.join(' '), state, expires, cidrs.join(' '), scopes?.join(' ') ?? '']
    table.push(withUse ? [...row, line.last_used ?? 'never'] : row)
  }
  return `${table.toString()}\n`
}
