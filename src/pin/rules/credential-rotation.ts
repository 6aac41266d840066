// A secret that is replaced in a vault reaches running sessions at once: only the team that owns the vault does that.
import type { PinRule } from '../rule.ts'
import { readably } from './reading.ts'

/** Way 24: credentials of a vault are made, changed and ended by its own team, or by a team in `allow`. */
export const credentialRotation: PinRule = {
  requirement: 'credential_rotation',
  ways: [24],
  operations: new Set([
    ...['vaults.credentials.create', 'vaults.credentials.update'],
    ...['vaults.credentials.archive', 'vaults.credentials.delete'],
  ]),
  examine: readably('credential_rotation', async ({ params, caller, facts }, { allow }) => {
    const id = params['vault_id'] ?? ''
    if (allow.includes(caller.team)) return []
    const owner = await facts.ownerTeam('vault', id)
    if (owner === caller.team) return []
    const why =
      owner === null
        ? 'nobody knows whose it is'
        : 'running sessions of its owner would get the new secret at once'
    return [
      {
        requirement: 'credential_rotation',
        ...{ path: [], requested: `team ${caller.team}`, resolved: '', edits: null },
        sentence: `the credentials of vault \`${id}\` are not for team \`${caller.team}\` to change: ${why}; ask ${owner === null ? 'whoever reviews pins.yaml' : `team \`${owner}\``}`,
      },
    ]
  }),
}
