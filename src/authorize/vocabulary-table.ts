// The words for what a request hands out on its way, beside the operation it is. `docs/capabilities.md` is made from
// these rows and the table of operations; a word that is not here cannot stand in a policy.
import { visibilityWords } from './ownership/visibility-words.ts'
import { agentWords, reachWords } from './vocabulary-agents.ts'
import { type Word, word } from './vocabulary-word.ts'

export type { Word }

/** What a run is given to work with. */
const runWords: readonly Word[] = [
  word(
    'vault.use',
    'vault',
    'vlt_01ABC',
    'hand this vault’s credentials to a run',
    '`vault_ids` of sessions.*, deployments.*',
  ),
  word(
    'vault.fill',
    'vault',
    'vlt_01ABC',
    'change what this vault holds; running sessions take it up',
    'vaults.credentials.create, .update, .delete, .archive',
  ),
  word(
    'secret.send',
    'host',
    'api.example.com',
    'store a credential that is sent to this host; `host/*` for every host',
    '`auth` of vaults.credentials.create, .update',
  ),
  word(
    'secret.inject',
    'place',
    'body',
    'have the secret written into the body of requests, where it is harder to keep from being echoed',
    '`auth.injection_location.body` of an `environment_variable`, unless false; a new one without it may',
  ),
  word(
    'repo.mount',
    'repo',
    'https://github.com/acme/*',
    'mount this repository: `<url>@branch:<name>`, `<url>@commit:<sha>` or `<url>@default`',
    '`resources` of type `github_repository`',
  ),
  word(
    'repo.float',
    'repo',
    'https://github.com/acme/app',
    'mount it at a branch: whoever pushes last decides what is read, skills included',
    'a repository without `checkout` of type `commit`',
  ),
  word(
    'file.mount',
    'file',
    'file_01ABC',
    'hand this file to a run or a model',
    '`resources` of type `file`, sessions.resources.add, files in events, rubrics and messages',
  ),
  word(
    'memory.attach',
    'memory_store',
    'memstore_01ABC:read_only',
    'give a run this memory: `<id>:read_write` (the default) or `<id>:read_only`',
    '`resources` of type `memory_store`; inputs of dreams',
  ),
  word(
    'memory.alter',
    'memory_store',
    'memstore_01ABC',
    'let a run write into this memory, which later runs believe',
    'a memory store attached without `access: read_only`; `update_existing` of dreams',
  ),
  word(
    'memory_store.write',
    'memory_store',
    'memstore_01ABC',
    'write memories into this store directly',
    'memory_stores.memories.create, .update, .delete, memory_versions.redact',
  ),
  word(
    'session.budget',
    'budget',
    'none',
    'start runs with (`budget/set`) or without (`budget/none`) a spending limit, move it (`budget/changed`) or take it away (`budget/removed`)',
    '`budget` of sessions.*, deployments.*',
  ),
  word(
    'deployment.schedule',
    'deployment',
    '*',
    'have runs start by themselves, by the clock',
    '`schedule` of deployments.*',
  ),
]

/** What has no operation upstream, and what nobody here has heard of yet. */
const houseWords: readonly Word[] = [
  word(
    'unknown.use',
    'unknown',
    'tools.type:*',
    'use a kind of tool, agent, resource, … that this version of Tollgate does not know: `<where>:<value>`',
    'a `type` (or another word that decides how the rest is read) that is not in the table',
  ),
  ...visibilityWords,
  word(
    'credential.passthrough',
    'operation',
    'environments.work.*',
    'have its own environment key or session token go up instead of the gateway’s key',
    '`authorization` beside `x-tollgate-key`, on what a self-hosted worker calls',
  ),
  word(
    'user_profile.use',
    'user_profile',
    'uprof_01ABC',
    'have a call billed to this user profile, whose team must be the caller’s or share it',
    'the header `anthropic-user-profile-id`, which the SDK makes of `user_profile_id`',
  ),
  word('usage.read', 'usage', '*', 'read the ledger on the admin listener', 'the admin listener'),
  word(
    'policy.read',
    'policy',
    '*',
    'read on the admin listener what was decided, of every team, and where a candidate policy would differ',
    'the admin listener',
  ),
  word(
    'period.close',
    'period',
    '*',
    'close a month on the admin listener: write what every team is charged, once and for good',
    'the admin listener',
  ),
  word(
    'stop.order',
    'stop',
    '*',
    'stop work on the admin listener: of a session, agent, team, caller, key or deployment, or all of it',
    'the admin listener',
  ),
  word('stop.lift', 'stop', '*', 'lift what somebody stopped, on the admin listener', 'the admin listener'),
  word(
    'audit.read',
    'audit',
    '*',
    'read, export and prove the audit log of every team on the admin listener',
    'the admin listener',
  ),
]

/** Every word that is not an operation’s own. */
export const handedOutWords: readonly Word[] = [...agentWords, ...reachWords, ...runWords, ...houseWords]
