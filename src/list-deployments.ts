// Every deployment of every account of the upstream, page by page, as the API lists them.

import type { createReadUpstream } from './forward/read-upstream.ts'
import { memberOf } from './kernel/own-member.ts'

/** A page of a hundred each; nobody has so many. */
const pagesMax = 100
const betas = ['managed-agents-2026-04-01']

/** Makes the reader. Rejects when an account does not answer a list. */
export function createListDeployments(deps: {
  readonly readUpstream: ReturnType<typeof createReadUpstream>
  readonly teams: () => ReadonlyMap<string, { readonly name: string; readonly upstream: string | null }>
}): () => Promise<readonly { readonly team: string; readonly object: unknown }[]> {
  const ofTeam = async (team: string) => {
    const found: { readonly team: string; readonly object: unknown }[] = []
    let page = ''
    for (let count = 0; count < pagesMax; count += 1) {
      const query = page === '' ? 'limit=100' : `limit=100&page=${encodeURIComponent(page)}`
      const { status, body } = await deps.readUpstream(team, `/v1/deployments?${query}`, betas)
      const data = memberOf(body, 'data')
      if (status !== 200 || !Array.isArray(data))
        throw new Error(`the upstream answered its deployments with ${status}`)
      for (const object of data) found.push({ team, object })
      const next = memberOf(body, 'next_page')
      if (typeof next !== 'string' || next === '') break
      page = next
    }
    return found
  }
  return async () => (await Promise.all(oneTeamEach(deps.teams()).map(ofTeam))).flat()
}

/** A team for each account of the upstream: the first of those that it serves. */
function oneTeamEach(
  teams: ReadonlyMap<string, { readonly name: string; readonly upstream: string | null }>,
): readonly string[] {
  const found = new Map<string, string>()
  for (const { name, upstream } of teams.values())
    if (!found.has(upstream ?? '')) found.set(upstream ?? '', name)
  return [...found.values()]
}
