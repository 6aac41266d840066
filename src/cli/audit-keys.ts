// `tollgate audit keys`: the public keys that checkpoints are signed with, and a new key for those to come.
import { join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { addAuditKey } from '../audit/audit-keys.ts'
import { createSecretFile, readSecretFile } from '../identify/secret-file.ts'
import { parseJson } from '../kernel/parse-json.ts'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { withAdmin } from './audit-source.ts'
import { CommandError, type CommandIo } from './command-io.ts'
import { loadConfig } from './load-config.ts'

const answer = z.object({ keys: z.array(z.string()) })

/** Adds the commands. */
export function addAuditKeys(audit: Command, io: CommandIo): void {
  const keys = audit
    .command('keys')
    .description('print the public keys of the log; keep them where nobody who writes the ledger can write')
  withAdmin(keys).action(async (options: AdminOptions) => {
    const parsed = answer.safeParse(parseJson(await askAdmin('/api/v1/audit/keys', {}, options, io)))
    if (!parsed.success) {
      throw new CommandError('the admin listener answered in a form this version does not know')
    }
    for (const key of parsed.data.keys) io.out(`${key}\n`)
  })
  audit
    .command('rotate-key')
    .description("make a new signing key in the gateway's data folder; the next checkpoint introduces it")
    .action(() => {
      const dir = join(loadConfig(io).dataDir, 'audit')
      const name = addAuditKey(dir, { read: readSecretFile, create: createSecretFile })
      io.out(`${join(dir, 'keys', name)}\n`)
      io.err('the next checkpoint is signed by the old key and this one; remove the old file after that\n')
    })
}
