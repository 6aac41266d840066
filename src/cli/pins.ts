// `tollgate pins …`: which versions of agents are approved, how a new one is brought in, and what runs.
import type { Command } from 'commander'
import type { CommandIo } from './command-io.ts'
import { addPinsApprove } from './pins-approve.ts'
import { addPinsReport } from './pins-report.ts'
import { addPinsRollout } from './pins-rollout.ts'
import { addPinsShow } from './pins-show.ts'

const help = `
  tollgate pins diff agent_01ABC 3 4
  tollgate pins approve agent_01ABC 4 --by ada --ticket SEC-12 --expires 2027-02-01
  tollgate pins canary agent_01ABC 4 --percent 10 --stable 3
  tollgate pins status
  tollgate pins promote agent_01ABC
  tollgate pins report --from 2026-10-01 --to 2026-11-01

approve, diff, status, promote and report ask the running gateway, with a key of the role operator, auditor or admin. Every
change is made in policies/pins.yaml, comments kept; a running gateway takes it within a second and audits it.
`

/** Adds the group. */
export function addPins(program: Command, io: CommandIo): void {
  const pins = program
    .command('pins')
    .description('the versions of agents: approved, rolled out, running')
    .addHelpText('after', help)
  for (const add of [addPinsApprove, addPinsShow, addPinsRollout, addPinsReport]) add(pins, io)
}
