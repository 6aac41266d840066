// The words a policy has for what belongs to another team.
import type { Word } from '../vocabulary-table.ts'

const ofOwner = (verb: string, example: string, means: string, from: string): Word => ({
  action: `visibility.${verb}`,
  kind: 'owner',
  means,
  from,
  example: `owner/${example}`,
})

/** Asked on `owner/<team>/<kind>/<id>`, and only about what is not the caller's team's own. */
export const visibilityWords: readonly Word[] = [
  ofOwner(
    'read',
    'platform/agent/*',
    'see what this team owns: `owner/<team>/<kind>/<id>`; without it, it does not exist. `owner/unowned/…` is what nobody made through Tollgate',
    'every id of another team in a path or a query; lists',
  ),
  ofOwner(
    'use',
    'platform/agent/*',
    'let a run have what this team owns',
    'every id of another team that a body hands to a run; deployments.run; the work queue',
  ),
  ofOwner(
    'write',
    'platform/session/*',
    'change, end or talk to what this team owns',
    'every other operation on an id of another team',
  ),
]
