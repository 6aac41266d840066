// A fixed set of chdb sessions, one request at a time each, that never carry anything from one request to the next:
// neither settings, nor parameters, nor the database, nor the output of a query that failed.
// Fixed, because closing a session waits for every running query of the process and leaks while it waits.
import type { Session } from 'chdb'
import { ServerException } from './server-exception.ts'

/** What a request wants its session to be like. */
type SessionState = {
  readonly database: string
  readonly settings: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}

type Lease = {
  /** Unique per session and carried by its queries as `log_comment`: what KILL QUERY finds them by. */
  readonly name: string
  readonly session: Session
  /** Makes the session exactly what `state` says, for a statement that mentions parameters as `{name: Type}`. */
  readonly prepare: (state: SessionState, sql: string) => Promise<void>
  /** Gives the session back. `clean: false` after any failure or kill. Throws when the engine opens no session. */
  readonly release: (clean: boolean) => Promise<void>
}

export type SessionPool = { readonly acquire: () => Promise<Lease> }

type Slot = {
  readonly name: string
  readonly session: Session
  database: string
  /** Settings that differ from the base now. */
  settings: ReadonlyMap<string, string>
  /** Names of parameters that some request set: the engine has no way to unset them. */
  readonly staleParams: Set<string>
  /** A SET failed half-way, so nobody knows what the session is like now. */
  broken: boolean
}

/**
 * A pool of at most `size` sessions made by `open` when first needed. `base` holds for every one of them: chdb's
 * connection arguments bind the process's first session only.
 */
export function createSessionPool(deps: {
  readonly open: () => Session
  readonly size: number
  readonly base: ReadonlyMap<string, string>
}): SessionPool {
  const idle: Slot[] = []
  const waiting: ((slot: Slot) => void)[] = []
  let opened = 0
  let named = 0

  const openSlot = async (): Promise<Slot> => {
    named += 1
    const name = `session-${named}`
    const session = deps.open()
    const base = [...deps.base, ['log_comment', name] as const]
    await session.queryAsync(`SET ${base.map(([key, value]) => `${key} = ${literal(value)}`).join(', ')}`)
    return { name, session, database: 'default', settings: new Map(), staleParams: new Set(), broken: false }
  }
  const hand = (slot: Slot): void => {
    const next = waiting.shift()
    if (next === undefined) idle.push(slot)
    else next(slot)
  }
  const acquireSlot = async (): Promise<Slot> => {
    const ready = idle.pop()
    if (ready !== undefined) return ready
    if (opened >= deps.size) return new Promise((resolve) => waiting.push(resolve))
    opened += 1
    try {
      return await openSlot()
    } catch (error) {
      opened -= 1
      throw error
    }
  }
  const replace = async (slot: Slot): Promise<void> => {
    slot.session.close()
    hand(await openSlot())
  }

  return {
    acquire: async () => {
      const slot = await acquireSlot()
      return {
        name: slot.name,
        session: slot.session,
        prepare: (state, sql) => applyState(slot, state, sql, deps.base),
        release: async (clean) => {
          try {
            if (slot.broken) return await replace(slot)
            // chdb 3.4 puts what a failed query had already produced in front of the next answer of its session.
            if (!clean) await slot.session.queryAsync('SELECT 1 FORMAT Null')
            hand(slot)
          } catch {
            await replace(slot)
          }
        },
      }
    },
  }
}

async function applyState(
  slot: Slot,
  state: SessionState,
  sql: string,
  base: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [, name] of sql.matchAll(/\{\s*(\w+)\s*:/g)) {
    if (name !== undefined && slot.staleParams.has(name) && !state.params.has(name)) {
      const reason = `substitution \`${name}\` is not set`
      throw new ServerException(456, 'UNKNOWN_QUERY_PARAMETER', reason)
    }
  }
  const changes: string[] = []
  for (const [key, value] of state.settings) {
    if (slot.settings.get(key) !== value) changes.push(`${key} = ${literal(value)}`)
  }
  for (const key of slot.settings.keys()) {
    if (state.settings.has(key)) continue
    const value = base.get(key)
    changes.push(`${key} = ${value === undefined ? 'DEFAULT' : literal(value)}`)
  }
  for (const [name, value] of state.params) changes.push(`param_${name} = ${literal(value)}`)
  if (slot.database !== state.database) {
    await slot.session.queryAsync(`USE \`${state.database.replace(/[\\`]/g, '\\$&')}\``)
    slot.database = state.database
  }
  if (changes.length === 0) return
  slot.broken = true
  await slot.session.queryAsync(`SET ${changes.join(', ')}`)
  slot.broken = false
  slot.settings = state.settings
  for (const name of state.params.keys()) slot.staleParams.add(name)
}

function literal(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`
}
