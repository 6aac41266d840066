// `tollgate audit prove`: a proof that one entry is in the log, which needs neither the log nor us to be checked.
import type { Command } from 'commander'
import { type AdminOptions, askAdmin } from './ask-admin.ts'
import { withAdmin } from './audit-source.ts'
import type { CommandIo } from './command-io.ts'

/** Adds the command. The proof goes to stdout. */
export function addAuditProve(audit: Command, io: CommandIo): void {
  const command = audit
    .command('prove')
    .description('print a proof (c2sp.org/tlog-proof) that an entry is in the log')
    .argument('<entry>', "the record's id, such as an exchange's, or <gateway>:<number>, or the entry's hash")
  withAdmin(command).action(async (id: string, options: AdminOptions) => {
    io.out(await askAdmin('/api/v1/audit/proof', { id }, options, io))
  })
}
