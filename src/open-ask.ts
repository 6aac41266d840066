// What the auditor's questions are asked with besides their own parameters: who is listed now, from the directory.
import type { Directory } from './identify/directory.ts'
import type { Ledger } from './ledger/port.ts'
import { askQuestions, readAnswer } from './ledger/queries/ask.ts'
import type { AskRoutesDeps } from './show/ask-routes.ts'

/** Makes what the listener answers questions with. */
export function openAsk(parts: {
  readonly ledger: Pick<Ledger, 'query'>
  readonly directory: () => Directory
}): AskRoutesDeps['ask'] {
  return {
    questions: askQuestions,
    answer: (name, values) =>
      readAnswer(parts.ledger, name, { ...values, directory: JSON.stringify(listed(parts.directory())) }),
  }
}

/** A line for each key, and for each caller without one; never what a key is known by. */
function listed({ callers }: Directory) {
  return [...callers.values()].flatMap(({ id, team, roles, keys }) => {
    const who = [id, team.name, roles.join(' ')] as const
    if (keys.length === 0) return [[...who, '', 0, 0, 0]]
    return keys.map((key) => [...who, key.id, key.createdMs, finite(key.expiresMs), key.revokedMs ?? 0])
  })
}

const finite = (ms: number): number => (Number.isFinite(ms) ? ms : 0)
