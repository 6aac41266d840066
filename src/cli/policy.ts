// `tollgate policy …`: what people ask of the policies, offline: is it sound, who may what and why, what would change.
import type { Command } from 'commander'
import type { CommandIo } from './command-io.ts'
import { addPolicyCheck } from './policy-check.ts'
import { addPolicyDiff } from './policy-diff.ts'
import { addPolicyExplain } from './policy-explain.ts'
import { addPolicyReplay } from './policy-replay.ts'
import { addPolicyShadow } from './policy-shadow.ts'
import { addPolicyTest } from './policy-test.ts'
import { addPolicyUse } from './policy-use.ts'
import { addPolicyWhatCan } from './policy-what-can.ts'
import { addPolicyWhoCan } from './policy-who-can.ts'

/** Adds the group. */
export function addPolicy(program: Command, io: CommandIo): void {
  const policy = program
    .command('policy')
    .description('what the rules in policies/ say, allow and would change')
  for (const add of [addPolicyCheck, addPolicyTest, addPolicyExplain, addPolicyWhoCan]) add(policy, io)
  for (const add of [addPolicyShadow, addPolicyReplay]) add(policy, io)
  for (const add of [addPolicyWhatCan, addPolicyDiff, addPolicyUse]) add(policy, io)
}
