// The upstream's own list of sessions, by account: what ran without passing here is known there alone.
import { z } from 'zod'
import type { Period } from '../../ledger/queries/exposure.ts'

/** One GET of ours on an upstream account; rejects when there is no answer. */
export type ReadAccount = (
  account: string,
  path: string,
  betas: readonly string[],
) => Promise<{ readonly status: number; readonly body: unknown }>

const listed = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  created_at: z.iso.datetime({ offset: true }),
  deployment_id: z.string().nullish(),
  environment_id: z.string().catch(''),
  metadata: z.record(z.string(), z.unknown()).catch({}),
  agent: z.looseObject({ id: z.string(), name: z.string().catch(''), version: z.number() }),
})

export type ListedSession = {
  readonly account: string
  readonly session_id: string
  readonly agent_id: string
  readonly agent_name: string
  readonly agent_version: number
  readonly environment_id: string
  readonly deployment_id: string
  readonly created_at_ms: number
  /** Whether it carries the name of an owner, which is not proof: others can write it too. */
  readonly isStamped: boolean
  /** The agent it runs now, as the upstream says it. */
  readonly snapshot: { readonly [key: string]: unknown }
}

const page = z.object({ data: z.array(z.unknown()), next_page: z.string().nullish() })

const betas: readonly string[] = ['managed-agents-2026-04-01']
const limit = 100
/** A hundred thousand sessions of one account; what goes beyond is told. */
const pagesMax = 1_000

export type Listing = {
  readonly sessions: readonly ListedSession[]
  /** Why the list is not whole, a sentence each; none when it is. */
  readonly problems: readonly string[]
}

/** All sessions of an account that were made in the period and not deleted since. Never rejects. */
export async function listSessions(read: ReadAccount, account: string, period: Period): Promise<Listing> {
  const sessions = new Map<string, ListedSession>()
  const failed = (why: string): Listing => ({
    sessions: [...sessions.values()],
    problems: [`the sessions of account ${account} could not be listed whole: ${why}`],
  })
  let unread = 0
  let cursor: string | null = null
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const answer = await read(account, pathOf(period, cursor), betas).catch(() => null)
    if (answer === null) return failed('the upstream did not answer')
    if (answer.status !== 200) return failed(`the upstream answered ${answer.status}`)
    const found = page.safeParse(answer.body)
    if (!found.success) return failed('the upstream answered no list')
    for (const item of found.data.data) {
      const session = readListed(account, item)
      if (session === null) unread += 1
      else sessions.set(session.session_id, session)
    }
    cursor = found.data.next_page ?? null
    if (cursor === null)
      return unread === 0
        ? { sessions: [...sessions.values()], problems: [] }
        : failed(`${unread} could not be read`)
  }
  return failed(`there are more than ${pagesMax * limit}`)
}

function pathOf({ fromMs, toMs }: Period, cursor: string | null): string {
  const query = new URLSearchParams({
    limit: String(limit),
    include_archived: 'true',
    order: 'asc',
    'created_at[gte]': new Date(fromMs).toISOString(),
    'created_at[lt]': new Date(toMs).toISOString(),
    ...(cursor === null ? {} : { page: cursor }),
  })
  return `/v1/sessions?${query.toString()}`
}

function readListed(account: string, item: unknown): ListedSession | null {
  const parsed = listed.safeParse(item)
  if (!parsed.success) return null
  const { id, created_at, deployment_id, environment_id, metadata, agent } = parsed.data
  return {
    account,
    session_id: id,
    agent_id: agent.id,
    agent_name: agent.name,
    agent_version: agent.version,
    environment_id,
    deployment_id: deployment_id ?? '',
    created_at_ms: Date.parse(created_at),
    isStamped: typeof metadata['tollgate_owner'] === 'string',
    snapshot: agent,
  }
}
