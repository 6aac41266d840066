// `tollgate audit …`: what an auditor does with the log: verify it, prove an entry, take a part away, look at the newest.
import type { Command } from 'commander'
import { addAuditAsk } from './audit-ask.ts'
import { addAuditExport } from './audit-export.ts'
import { addAuditKeys } from './audit-keys.ts'
import { addAuditProve } from './audit-prove.ts'
import { addAuditTail } from './audit-tail.ts'
import { addAuditVerify } from './audit-verify.ts'
import type { CommandIo } from './command-io.ts'

/** Adds the group. */
export function addAudit(program: Command, io: CommandIo): void {
  const audit = program
    .command('audit')
    .description('the audit log: verify, prove, export, tail, keys; and questions to the ledger')
  for (const add of [addAuditVerify, addAuditProve, addAuditExport, addAuditTail, addAuditKeys, addAuditAsk])
    add(audit, io)
}
