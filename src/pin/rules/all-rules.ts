// Every rule, in the order in which they act: a later one examines what the earlier ones have made of the body.
import type { PinRule } from '../rule.ts'
import { approvedVersion } from './approved-version.ts'
import { credentialRotation } from './credential-rotation.ts'
import { deploymentVersion } from './deployment-version.ts'
import { environmentUnchanged } from './environment-unchanged.ts'
import { explicitVersion } from './explicit-version.ts'
import { noInlineAgents, noWorkflows } from './inline-agents.ts'
import { mcpToolsListed } from './mcp-tools.ts'
import { advisorModels, datedModels } from './models.ts'
import { noOverrides } from './no-overrides.ts'
import { overrideKeepsGeo } from './override-keeps-geo.ts'
import { memoryReadOnly, repositoryCommits } from './resources.ts'
import { rosterVersions } from './roster-versions.ts'
import { noSelfMembers } from './self-members.ts'
import { sessionTools } from './session-tools.ts'
import { skillVersions } from './skill-versions.ts'
import { noSystemMessages } from './system-messages.ts'
import { verifiedAnswer } from './verified-answer.ts'
import { versionGuard } from './version-guard.ts'

export const allRules: readonly PinRule[] = [
  // Which version first: content rules look at the version that is left standing.
  deploymentVersion,
  explicitVersion,
  approvedVersion,
  noOverrides,
  overrideKeepsGeo,
  versionGuard,
  // What is turned off whole needs no look at what is in it.
  noWorkflows,
  noSelfMembers,
  noInlineAgents,
  rosterVersions,
  advisorModels,
  datedModels,
  skillVersions,
  mcpToolsListed,
  sessionTools,
  repositoryCommits,
  memoryReadOnly,
  noSystemMessages,
  environmentUnchanged,
  credentialRotation,
  verifiedAnswer,
]
