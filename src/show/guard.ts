// Who may see the admin listener: a caller key with an administrative role, and then the policy's own word.
import type { FastifyRequest } from 'fastify'
import type { AuthorizeAdmin } from '../authorize/authorize.ts'
import type { Caller } from '../identify/caller.ts'
import type { Identify } from '../identify/identify.ts'
import { TollgateError } from '../kernel/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks the policy for; a route without one is closed to everybody but `open: true`. */
    action?: string
    open?: boolean
  }

  interface FastifyRequest {
    /** Who asks; null where nobody need say. */
    askedBy: Caller | null
  }
}

export type GuardDeps = {
  readonly identify: Identify
  readonly authorizeAdmin: AuthorizeAdmin
}

const adminRoles = ['operator', 'auditor', 'admin']

/** Who asks, when they may; null where nobody need say. Throws TollgateError otherwise. An unknown path needs a key too, so strangers cannot map us. */
export async function guard(deps: GuardDeps, request: FastifyRequest): Promise<Caller | null> {
  const { open, action } = request.routeOptions.config
  if (open === true) return null
  const query = request.raw.url?.split('?').slice(1).join('?') ?? ''
  const peer = { ip: request.raw.socket.remoteAddress ?? '', certificate: null }
  const caller = await deps.identify(request.raw.rawHeaders, query, peer)
  if ('kind' in caller) throw new TollgateError(caller.code, caller.message)
  if (!caller.roles.some((role) => adminRoles.includes(role))) throw new TollgateError('show.forbidden')
  const denial = action === undefined ? null : deps.authorizeAdmin(caller, action)
  if (denial !== null) throw new TollgateError(denial.code, denial.message)
  return caller
}
