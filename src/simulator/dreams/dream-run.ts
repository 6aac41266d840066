// A dream's life on the clock: queued, then one model request for each session it reads and one to write the result.
// Every step looks first whether what it reads is still there.

import type { ModelRequest } from '../billing/meter.ts'
import type { MemoryStoreRecord } from '../memory/memory-store-record.ts'
import { createMemoryStore } from '../memory/memory-stores.ts'
import { createMemory, memoriesMax, writeSessionMemory } from '../memory/memory-writes.ts'
import { timestamp } from '../sessions/live-session.ts'
import type { World } from '../world.ts'
import type { DreamRecord } from './dream-record.ts'
import { type DreamSession, startDreamSession } from './dream-session.ts'

/** How long a dream waits, then copies the store, reads each session, and writes. */
export const dreamPace = { queueMs: 2_000, copyMs: 1_000, readMs: 20_000, writeMs: 30_000 } as const

type Failure = { readonly type: string; readonly message: string }

/** A dream at work. */
type Run = {
  readonly world: World
  readonly dream: DreamRecord
  readonly session: DreamSession
  readonly unread: string[]
}

/** What one request uses: the transcripts read before come from the cache, the next one is added to it. */
const usageOf = ({ world, dream }: Run): ModelRequest => ({
  model: dream.setup.model,
  speed: 'standard',
  inferenceGeo: null,
  atMs: world.clock.nowMs(),
  inputTokens: 1_500,
  outputTokens: 600,
  cacheReadTokens: dream.requests.length * 4_000,
  cacheWrite5mTokens: 4_000,
  cacheWrite1hTokens: 0,
  webSearches: 0,
})

function faultOf({ world, dream: { setup, outputStoreId } }: Run): Failure | null {
  const input = world.memoryStores.get(setup.storeId)
  if (input === undefined || input.store.archived_at !== null) {
    const message = `memory store \`${setup.storeId}\` was archived or deleted`
    return { type: 'input_memory_store_unavailable', message }
  }
  const gone = setup.sessionIds.find((id) => world.sessions.get(id)?.isDeleted !== false)
  if (gone !== undefined) {
    return { type: 'input_session_unavailable', message: `session \`${gone}\` was deleted` }
  }
  const output = world.memoryStores.get(outputStoreId ?? setup.storeId) ?? input
  if (output.memories.size < memoriesMax) return null
  const message = `memory store \`${setup.storeId}\` leaves no room for the result`
  return { type: 'input_memory_store_too_large', message }
}

/** A new store that holds what `input` holds, each memory written by the session. */
function copyStore(world: World, { store, memories }: MemoryStoreRecord, sessionId: string): string {
  const name = `${store.name.slice(0, 240)} (dream)`
  const output = createMemoryStore(world, { name, description: store.description, metadata: {} })
  for (const { path, content } of memories.values()) {
    createMemory(world, output, { path, content }, { type: 'session_actor', session_id: sessionId })
  }
  return output.store.id
}

function close(world: World, dream: DreamRecord, status: 'completed' | 'failed' | 'canceled'): void {
  dream.status = status
  dream.endedAt = timestamp(world.clock.nowMs())
}

/** Ends the open request, which costs whatever became of the dream meanwhile. */
function bill(run: Run): void {
  if (!run.session.isThinking()) return
  const request = usageOf(run)
  run.session.finishThinking(request)
  run.dream.requests.push(request)
}

function stop(run: Run): void {
  bill(run)
  run.session.end()
  run.dream.isWorking = false
}

/** Does `step` after `delayMs`, unless the dream was cancelled meanwhile or has lost what it reads. */
function proceed(run: Run, delayMs: number, step: () => void): void {
  const { world, dream } = run
  world.clock.after(delayMs, () => {
    if (dream.status === 'canceled') {
      stop(run)
      return
    }
    dream.error = faultOf(run)
    if (dream.error === null) {
      bill(run)
      step()
      return
    }
    close(world, dream, 'failed')
    stop(run)
  })
}

function readNext(run: Run): void {
  const sessionId = run.unread.shift()
  run.session.think()
  if (sessionId === undefined) {
    proceed(run, dreamPace.writeMs, () => finish(run))
    return
  }
  proceed(run, dreamPace.readMs, () => {
    run.session.useTool('read', { file_path: `/mnt/session/uploads/${sessionId}.md` })
    readNext(run)
  })
}

function finish(run: Run): void {
  const { world, dream, session } = run
  // Under the dream's own name it is in the way of no other memory.
  const path = `/${dream.id}.md`
  const content = ['# Dream', '', ...dream.setup.sessionIds.map((id) => `- read ${id}`), ''].join('\n')
  const memoryStoreId = dream.outputStoreId ?? dream.setup.storeId
  session.useTool('write', { file_path: path, content })
  writeSessionMemory(world, { sessionId: session.id, memoryStoreId }, { path, content })
  close(world, dream, 'completed')
  stop(run)
}

function begin(world: World, dream: DreamRecord): void {
  const { setup } = dream
  dream.status = 'running'
  const session = startDreamSession(world, dream)
  dream.sessionId = session.id
  const run = { world, dream, session, unread: [...setup.sessionIds] }
  proceed(run, dreamPace.copyMs, () => {
    const input = world.memoryStores.get(setup.storeId)
    if (input === undefined) return
    dream.outputStoreId =
      setup.outputBehavior.type === 'update_existing' ? setup.storeId : copyStore(world, input, session.id)
    readNext(run)
  })
}

/** Sets a pending dream going. */
export function runDream(world: World, dream: DreamRecord): void {
  world.clock.after(dreamPace.queueMs, () => {
    if (dream.status === 'pending') begin(world, dream)
  })
}

/** Cancels a dream that is pending or running. One at work holds its store until its open request is over. */
export function cancelDream(world: World, dream: DreamRecord): void {
  if (dream.status === 'pending') dream.isWorking = false
  close(world, dream, 'canceled')
}
