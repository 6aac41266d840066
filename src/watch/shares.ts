// Who watches what, among the gateways that share a ledger: without a coordinator, by rendezvous hashing over those that are
// alive. All come to the same answer as soon as they have seen the same gateways; until then a session is watched twice or,
// at worst, by the next listing.
import { hash } from 'node:crypto'
import type { Logger } from '../kernel/logger.ts'
import type { TouchedSession } from '../ledger/queries/replicas.ts'
import type { After } from './read-budget.ts'

export type SharesDeps = {
  readonly replicaId: string
  readonly after: After
  readonly sayAlive: (isGone: boolean) => Promise<void>
  /** Ids of the gateways that said so within `aliveMs`. */
  readonly readReplicas: (aliveMs: number) => Promise<readonly string[]>
  /** What any gateway's callers touched within `sinceMs`. */
  readonly readTouched: (sinceMs: number) => Promise<readonly TouchedSession[]>
  /** A session of ours was touched through another gateway. */
  readonly onTouched: (session: TouchedSession) => void
  /** Other gateways are alive than before. */
  readonly onChange: () => void
  readonly logger: Logger
}

export type Shares = {
  /** Whether this gateway is to watch the session. Alone, or without word of the others, it is. */
  readonly isMine: (sessionId: string) => boolean
  /** The gateways alive, this one among them. */
  readonly replicas: () => readonly string[]
  /** Says that it goes, so that others need not wait. Never rejects. */
  readonly close: () => Promise<void>
}

/** How often a gateway says that it is alive; a few rounds missed, and others take over. */
export const heartbeatMs = 3_000
export const aliveMs = 15_000
/** The ledger has an exchange some seconds after it ended. */
const touchedMs = 60_000
const rememberedMax = 20_000

/** The one of `replicas` that a session belongs to; '' of none. The same for everybody, whatever the order. */
export function ownerOf(sessionId: string, replicas: readonly string[]): string {
  let owner = ''
  let highest = ''
  for (const replica of replicas) {
    const score = hash('sha256', `${replica}\n${sessionId}`)
    if (score > highest) [owner, highest] = [replica, score]
  }
  return owner
}

/** Everything is this gateway's own: nobody else has its ledger. */
export const startAlone = ({ replicaId }: Pick<SharesDeps, 'replicaId'>): Shares => ({
  isMine: () => true,
  replicas: () => [replicaId],
  close: async () => {},
})

/** Starts sharing; until it has heard of the others, everything is its own. */
export function startShares(deps: SharesDeps): Shares {
  const { replicaId, after } = deps
  let replicas: readonly string[] = [replicaId]
  let isClosed = false
  let failures = 0
  let disarm: () => void = () => {}
  const handled = new Set<string>()

  const isMine = (sessionId: string): boolean => ownerOf(sessionId, replicas) === replicaId

  const beat = async (): Promise<void> => {
    await deps.sayAlive(false)
    const alive = [...new Set([...(await deps.readReplicas(aliveMs)), replicaId])].toSorted()
    const isChanged = alive.join() !== replicas.join()
    replicas = alive
    if (isChanged && !isClosed) deps.onChange()
    if (alive.length > 1 && !isClosed) {
      for (const session of await deps.readTouched(touchedMs)) {
        if (handled.has(session.exchange_id)) continue
        handled.add(session.exchange_id)
        if (isMine(session.session_id)) deps.onTouched(session)
      }
      for (const id of handled) {
        if (handled.size <= rememberedMax) break
        handled.delete(id)
      }
    }
  }
  const round = (): void => {
    if (isClosed) return
    void beat()
      .then(
        () => {
          failures = 0
        },
        (error: unknown) => {
          failures += 1
          if (failures === 1)
            deps.logger.warn({ err: error }, 'the other gateways cannot be seen; watching everything')
          // Without word of the others nobody may rely on them.
          const isChanged = replicas.length > 1
          replicas = [replicaId]
          if (isChanged && !isClosed) deps.onChange()
        },
      )
      .finally(() => {
        if (!isClosed) disarm = after(heartbeatMs, round)
      })
  }
  round()
  return {
    isMine,
    replicas: () => replicas,
    close: async () => {
      isClosed = true
      disarm()
      // While it was alone nobody waits for it, and a ledger that is away would only hold up the end.
      if (replicas.length > 1) await deps.sayAlive(true).catch(() => undefined)
    },
  }
}
