// A request -> what it wants to begin, in the words of budgets; null for nearly all, which begin nothing.
import { memberOf } from '../../kernel/own-member.ts'
import type { Operation } from '../../upstream/operation-type.ts'
import { readAskedLimit } from './budget-body.ts'
import type { FundingRequest } from './funding.ts'

export type FundedRequest = {
  readonly operation: Pick<Operation, 'id'>
  readonly caller: { readonly id: string; readonly team: string }
  readonly params: { readonly [name: string]: string }
  readonly exchangeId: string
  /** The reading of the body as it goes up. */
  readonly parsed: unknown
  /** The agent it names; '' without one. */
  readonly agentId: string
}

/** What a session at its limit takes, too (contract of the API: budgets): answers, and an interrupt. */
const answers: ReadonlySet<unknown> = new Set([
  'user.tool_confirmation',
  'user.tool_result',
  'user.custom_tool_result',
  'user.interrupt',
])

/** Asks for new work that no session's own limit holds. */
const works: ReadonlySet<string> = new Set([
  'deployments.run',
  'dreams.create',
  'messages.create',
  'messages.batches.create',
])

/** Reads it. The model is '' where the request does not name one. */
export function readFundingRequest(request: FundedRequest): FundingRequest | null {
  const { operation, caller, params, exchangeId, parsed, agentId } = request
  const asked = readAskedLimit(parsed)
  const kind = kindOf(operation.id, parsed, asked.kind)
  if (kind === null) return null
  const isNew = kind === 'session' || kind === 'deployment'
  return {
    ticket: exchangeId,
    kind,
    dims: {
      team: caller.team,
      caller: caller.id,
      agent: agentId,
      model: textOf(parsed, 'model'),
      // One that is being made is known by the exchange that makes it.
      session: isNew ? exchangeId : (params['session_id'] ?? ''),
    },
    askedCents: asked.kind === 'limit' ? asked.cents : null,
    session: null,
    removes: asked.kind === 'removed' && !(isNew && operation.id.endsWith('.create')),
  }
}

function kindOf(operation: string, parsed: unknown, asked: string): FundingRequest['kind'] | null {
  if (operation === 'sessions.create') return 'session'
  if (operation === 'sessions.update') return asked === 'none' ? null : 'raise'
  if (operation === 'deployments.create') return 'deployment'
  // What it does not name keeps what was judged when it was written.
  if (operation === 'deployments.update') return asked === 'none' ? null : 'deployment'
  if (operation === 'sessions.events.send') return beginsWork(parsed) ? 'work' : null
  return works.has(operation) ? 'work' : null
}

function beginsWork(parsed: unknown): boolean {
  const events = memberOf(parsed, 'events')
  return Array.isArray(events) && events.some((event) => !answers.has(memberOf(event, 'type')))
}

function textOf(parsed: unknown, name: string): string {
  const found = memberOf(parsed, name)
  return typeof found === 'string' ? found : ''
}
