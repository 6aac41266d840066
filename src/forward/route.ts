// Where a permitted request goes and with which credential: the upstream of its team, and its own bearer where it may.
import type { IncomingMessage } from 'node:http'
import type { Permit } from '../authorize/permit.ts'
import type { Secret } from '../kernel/secret.ts'
import type { Route } from './forward.ts'
import type { Pools } from './pools.ts'

/** One account of the provider, or another address that speaks its API. */
export type RoutedUpstream = { readonly name: string; readonly pools: Pools; readonly credential: Secret }

export type RouteDeps = {
  /** The first one serves every team that names none. */
  readonly upstreams: readonly RoutedUpstream[]
  /** The upstream the directory binds a team to; null for the first. */
  readonly upstreamOf: (team: string) => string | null
}

export type Routes = {
  readonly ofTeam: (team: string) => Route
  /** As `ofTeam`, with the bearer the caller brought when the permit holds `credential.passthrough`. */
  readonly ofRequest: (permit: Permit, request: Pick<IncomingMessage, 'headers'>) => Route
}

/** Makes the choice. Throws when there is no upstream at all. */
export function createRoutes({ upstreams, upstreamOf }: RouteDeps): Routes {
  const routes = new Map(
    upstreams.map(({ name, pools, credential }): [string, Route] => [
      name,
      { pools, authorization: `Bearer ${credential.reveal()}` },
    ]),
  )
  const [first] = routes.values()
  if (first === undefined) throw new Error('no upstream to send to')

  const ofTeam = (team: string): Route => {
    const name = upstreamOf(team)
    if (name === null) return first
    const route = routes.get(name)
    // The directory was checked against these names; another account must never stand in.
    if (route === undefined) throw new Error(`team \`${team}\` is bound to an upstream that is not there`)
    return route
  }
  return {
    ofTeam,
    ofRequest: (permit, { headers }) => {
      const route = ofTeam(permit.caller.team)
      if (!permit.caller.bringsUpstreamBearer) return route
      const mayPass = permit.capabilities.some(({ action }) => action === 'credential.passthrough')
      const { authorization } = headers
      if (!mayPass || authorization === undefined) throw new Error('a bearer without leave to pass')
      return { ...route, authorization }
    },
  }
}
