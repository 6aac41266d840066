// `tollgate pins canary|promote|rollback|hold|release`: the steps of a staged rollout, in pins.yaml.
import { type Command, InvalidArgumentError } from 'commander'
import { changeRollout, type RolloutChange, setCanary } from '../pin/pins-edit.ts'
import type { AdminOptions } from './ask-admin.ts'
import { CommandError, type CommandIo } from './command-io.ts'
import { askPins, pinsAnswer, withGateway } from './pins-answers.ts'
import { readVersion } from './pins-approve.ts'
import { openPinsFile } from './pins-on-disk.ts'
import { withFolder } from './policy-folder.ts'

const steps: { readonly [change in RolloutChange]: { readonly does: string; readonly done: string } } = {
  promote: { does: 'make the canary the stable version of all', done: 'the canary is stable now' },
  rollback: { does: 'take the canary away; everybody gets stable', done: 'everybody gets stable' },
  hold: { does: 'keep the canary from everybody until it is released', done: 'nobody gets the canary' },
  release: { does: 'let a held canary go on; what it did so far counts no more', done: 'the canary goes on' },
}

type StepOptions = AdminOptions & { readonly policies?: string; readonly anyway?: true }
type CanaryOptions = { readonly percent: number; readonly stable?: string; readonly policies?: string }

/** Adds the commands. `promote` asks the gateway whether the canary is held; the others need none running. */
export function addPinsRollout(pins: Command, io: CommandIo): void {
  withFolder(
    pins.command('canary <agent> <version>').description('give a version to a share of what names none'),
  )
    .requiredOption('--percent <number>', 'the share, 0 to 100', readPercent)
    .option('--stable <version>', 'what everybody else gets; needed for the first rollout of an agent')
    .action((agentId: string, written: string, options: CanaryOptions) => {
      const { percent, policies } = options
      const stable = options.stable === undefined ? undefined : readVersion(options.stable)
      const pinsFile = openPinsFile(policies, io)
      const wanted = { agentId, canary: readVersion(written), percent, stable }
      pinsFile.write(setCanary(pinsFile.text, pinsFile.file, wanted))
      io.err(`\`${agentId}\`: version ${written} for ${percent}%\n`)
    })
  for (const change of ['promote', 'rollback', 'hold', 'release'] as const) {
    const command = withFolder(pins.command(`${change} <agent>`).description(steps[change].does))
    if (change === 'promote')
      withGateway(command).option('--anyway', 'promote without asking whether it is held')
    command.action(async (agentId: string, options: StepOptions) => {
      if (change === 'promote' && options.anyway !== true) await refuseHeld(agentId, options, io)
      const pinsFile = openPinsFile(options.policies, io)
      pinsFile.write(changeRollout(pinsFile.text, pinsFile.file, { agentId, change, nowMs: Date.now() }))
      io.err(`\`${agentId}\`: ${steps[change].done}\n`)
    })
  }
}

async function refuseHeld(agentId: string, options: AdminOptions, io: CommandIo): Promise<void> {
  const { rollouts } = await askPins('', pinsAnswer, options, io)
  const found = rollouts.find((rollout) => rollout.agent_id === agentId)
  if (found === undefined || found.held === '') return
  const why = found.reasons.length === 0 ? '' : ` (${found.reasons.join('; ')})`
  throw new CommandError(
    `the canary of \`${agentId}\` is held ${found.held}${why}; \`tollgate pins release ${agentId}\` first, or say --anyway`,
  )
}

function readPercent(text: string): number {
  const percent = Number(text)
  if (/^\d{1,3}(\.\d{1,2})?$/.test(text) && percent <= 100) return percent
  throw new InvalidArgumentError('must be a number from 0 to 100, with two decimals at most.')
}
