// The sessions that run dreams and the memory stores that dreams write: nobody asked for them by name and nothing in them
// says whose they are, but the dream does, and a dream has an owner. They hold what its owner's sessions said.
import { memberOf } from '../../kernel/own-member.ts'
import { textOf } from './owner.ts'
import type { ReadUpstream } from './owners.ts'

/** The dream that made this session or memory store; null when none did. Rejects when dreams cannot be listed now. */
export type FindDream = (team: string, id: string) => Promise<string | null>

/** Two thousand dreams, the newest. */
const pagesMax = 20
/** How long a list of dreams is believed. */
const freshMs = 5_000
const listPath = '/v1/dreams?limit=100&include_archived=true'

type Offspring = { readonly atMs: number; readonly dreams: Promise<ReadonlyMap<string, string>> }

/** Makes the finder; dreams are listed when it is asked, at most every five seconds for one team's upstream. */
export function createFindDream(
  readUpstream: ReadUpstream,
  betas: readonly string[],
  nowMs: () => number = () => performance.now(),
): FindDream {
  const lists = new Map<string, Offspring>()

  const list = async (team: string): Promise<ReadonlyMap<string, string>> => {
    const dreams = new Map<string, string>()
    let path: string | null = listPath
    for (let pages = 0; path !== null && pages < pagesMax; pages++) {
      const { status, body } = await readUpstream(team, path, betas)
      // An organisation without dreams is answered as if there were no such path.
      if (status >= 400 && status < 500 && status !== 429) return dreams
      if (status !== 200) throw new Error(`dreams cannot be listed: ${status}`)
      for (const dream of listOf(memberOf(body, 'data'))) addOffspring(dreams, dream)
      const next = textOf(body, 'next_page')
      path = next === undefined ? null : `${listPath}&page=${encodeURIComponent(next)}`
    }
    return dreams
  }

  return async (team, id) => {
    const known = lists.get(team)
    if (known !== undefined && nowMs() - known.atMs < freshMs) return (await known.dreams).get(id) ?? null
    const listed = { atMs: nowMs(), dreams: list(team) }
    lists.set(team, listed)
    try {
      return (await listed.dreams).get(id) ?? null
    } catch (error) {
      if (lists.get(team) === listed) lists.delete(team)
      throw error
    }
  }
}

function addOffspring(dreams: Map<string, string>, dream: unknown): void {
  const id = textOf(dream, 'id')
  if (id === undefined) return
  const made = [
    textOf(dream, 'session_id'),
    ...listOf(memberOf(dream, 'outputs')).map((each) => textOf(each, 'memory_store_id')),
  ]
  // `update_existing` writes into a store that was there before, and has an owner of its own.
  const updates = textOf(memberOf(dream, 'output_behavior'), 'type') === 'update_existing'
  for (const [at, each] of made.entries()) {
    if (each !== undefined && !(updates && at > 0)) dreams.set(each, id)
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
