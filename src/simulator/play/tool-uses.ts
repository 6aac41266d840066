// Tool uses and what becomes of them: which wait for the client, which were denied, and which result is whose.

import { z } from 'zod'
import type { JsonObject } from '../json.ts'
import { awaitedBy, isRunOutside, type LiveSession, type LiveThread } from '../sessions/live-session.ts'
import { evaluatePermission } from './permissions.ts'
import type { Step } from './scenario.ts'

/** A tool use that waits for the client: its own id, and the one under which the primary thread shows it. */
export type Pending = {
  readonly thread: LiveThread
  readonly ownId: string
  readonly primaryId: string
  readonly awaits: 'confirmation' | 'result'
  readonly isRunOutside: boolean
}

/** A tool use whose result has not come yet. */
type OpenUse = {
  readonly id: string
  readonly type: string
  /** Why it must not run; undefined when it may. */
  readonly refusal: string | undefined
  /** Whether the client gave the result, so that the server has none to tell. */
  readonly isAnswered: boolean
}

/** What a client says to a waiting tool use. */
export type Answer = { readonly verdict: 'allow' | 'deny'; readonly denyMessage: string | undefined }

const named = z.looseObject({ name: z.string().catch(''), mcp_server_name: z.string().optional() })
const errorResult = (text: string): JsonObject => ({ content: [{ type: 'text', text }], is_error: true })

/** The tool uses of one session. */
export function createToolUses(session: LiveSession) {
  const openUses = new Map<LiveThread, readonly OpenUse[]>()
  let waiting: readonly Pending[] = []
  const isOf = (id: string) => (each: Pending) => each.ownId === id || each.primaryId === id
  const usesOf = (thread: LiveThread): readonly OpenUse[] => openUses.get(thread) ?? []
  const amend = (thread: LiveThread, id: string, change: Partial<OpenUse>): void => {
    const changed = usesOf(thread).map((use) => (use.id === id ? { ...use, ...change } : use))
    openUses.set(thread, changed)
  }

  const permissionFields = (thread: LiveThread, step: Step): JsonObject => {
    if (step.permission === undefined || step.type === 'agent.custom_tool_use') return {}
    const { name, mcp_server_name: mcpServer } = named.parse(step.fields)
    // A session may change its own tools while it lives; its children keep theirs.
    const { tools } = thread === session.primary ? session.agent : thread.agent
    return evaluatePermission(step.permission, tools, { name, mcpServer })
  }

  return {
    /** Emits a tool use, which may then wait for the client. */
    use: (thread: LiveThread, step: Step): void => {
      const fields = { input: {}, ...permissionFields(thread, step), ...step.fields }
      const { own, onPrimary } = session.emit(thread, step.type, fields)
      const refusal = own['evaluated_permission'] === 'deny' ? 'The tool call was not permitted.' : undefined
      openUses.set(thread, [...usesOf(thread), { id: own.id, type: step.type, refusal, isAnswered: false }])
      const awaits = awaitedBy(own, session.isSelfHosted)
      if (awaits === null) return
      const outside = isRunOutside(own, session.isSelfHosted)
      waiting = [
        ...waiting,
        { thread, ownId: own.id, primaryId: onPrimary.id, awaits, isRunOutside: outside },
      ]
    },
    /** Emits the result of the oldest open use of its kind; an error when that was refused. */
    result: (thread: LiveThread, step: Step): void => {
      const open = usesOf(thread).find(({ type }) => type === step.type.replace('_result', '_use'))
      openUses.set(
        thread,
        usesOf(thread).filter((use) => use !== open),
      )
      if (open?.isAnswered) return
      const link = step.type === 'agent.tool_result' ? 'tool_use_id' : 'mcp_tool_use_id'
      const isScripted = open?.refusal === undefined || step.onlyIf !== undefined
      const fields = isScripted ? step.fields : errorResult(open.refusal)
      session.emit(thread, step.type, { [link]: open?.id ?? '', ...fields })
    },
    /** A new model request has every earlier result in its prompt: none is open any more. */
    forgetUses: (thread: LiveThread): void => void openUses.delete(thread),
    find: (id: string): Pending | undefined => waiting.find(isOf(id)),
    pending: (thread?: LiveThread): readonly Pending[] =>
      thread === undefined ? waiting : waiting.filter((each) => each.thread === thread),
    /** Takes an answer. A use allowed on a self-hosted sandbox goes on waiting, then for its result. */
    answer: (id: string, { verdict, denyMessage }: Answer): void => {
      const found = waiting.find(isOf(id))
      if (found === undefined) return
      const goesOn = found.awaits === 'confirmation' && found.isRunOutside && verdict === 'allow'
      waiting = waiting.flatMap((each) => {
        if (each !== found) return [each]
        return goesOn ? [{ ...each, awaits: 'result' as const }] : []
      })
      const refusal = denyMessage ?? 'The tool call was denied.'
      if (found.awaits === 'result') amend(found.thread, found.ownId, { isAnswered: true })
      else if (verdict === 'deny') amend(found.thread, found.ownId, { refusal })
    },
    /** Nothing waits any more, of one thread or of all. */
    drop: (thread?: LiveThread): void => {
      waiting = thread === undefined ? [] : waiting.filter((each) => each.thread !== thread)
      if (thread === undefined) openUses.clear()
      else openUses.delete(thread)
    },
  }
}
