// A question of our own to the upstream: one GET, answered whole, with the credential that serves a team.
import { parseJson } from '../kernel/parse-json.ts'
import type { Pools } from './pools.ts'

export type ReadUpstreamDeps = {
  /** Where a team's requests go, and with which credential. */
  readonly route: (team: string) => { readonly pools: Pools; readonly authorization: string }
}

/** `body` is `text`, parsed; undefined when it is not JSON. */
export type UpstreamReading = { readonly status: number; readonly text: string; readonly body: unknown }

/** A caller waits behind it. */
const timeoutMs = 10_000
/** The version of the API whose shapes we read. */
const apiVersion = '2026-10-21'

/**
 * Makes the reader. `path` may have a query; `betas` go into `anthropic-beta`. Rejects when there is no answer within
 * ten seconds; any status is an answer.
 */
export function createReadUpstream({
  route,
}: ReadUpstreamDeps): (
  team: string,
  path: string,
  betas: readonly string[],
  version?: string,
) => Promise<UpstreamReading> {
  return async (team, path, betas, version = apiVersion) => {
    const { pools, authorization } = route(team)
    const answer = await pools.api.request({
      path,
      method: 'GET',
      headers: {
        authorization,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'anthropic-version': version,
        ...(betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') }),
      },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, text, body: parseJson(text) }
  }
}
