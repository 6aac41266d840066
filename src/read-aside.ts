// The YAML files of `policies/`, parsed where it costs nobody time: a small one at once, a large one in another thread.
// YAML cannot be parsed in slices, and at some hundred callers it takes longer than a stream may be kept waiting.
import { type Directory, linkDirectory, parseDirectory } from './identify/directory.ts'
import { PolicyFileError } from './kernel/errors.ts'
import { askOwnThread } from './kernel/own-thread.ts'
import { nextTurn, runInTurns } from './kernel/turns.ts'
import { type Pins, parsePins } from './pin/pins-file.ts'
import type { ReaderAnswer, ReaderQuestion } from './reader-thread.ts'

/** Parses the two files; both reject with what `parseDirectory` and `parsePins` throw. */
export type PolicyReader = {
  readonly directory: (...source: Parameters<typeof parseDirectory>) => Promise<Directory>
  readonly pins: (...source: Parameters<typeof parsePins>) => Promise<Pins>
}

/** Everything in this thread; for whoever has nothing else to do meanwhile. */
export const readAtOnce: PolicyReader = {
  directory: async (...source) => parseDirectory(...source),
  pins: async (...source) => parsePins(...source),
}

/** A text of this length takes some milliseconds, and a thread some hundred to start. */
const smallLengthMax = 8_192

/** A thread that does not answer must not keep a later change from being looked at. */
const threadTimeoutMs = 30_000

/** What is longer than `atOnceLengthMax` characters is parsed beside the event loop, and adopted in slices. */
export function createReaderAside(atOnceLengthMax = smallLengthMax): PolicyReader {
  return {
    directory: async (text, file, knownRoles, knownUpstreams = null) => {
      await nextTurn()
      if (text.length <= atOnceLengthMax) return parseDirectory(text, file, knownRoles, knownUpstreams)
      const answer = await ask({ kind: 'directory', text, file, knownRoles, knownUpstreams })
      if (answer.kind !== 'directory') throw refusal(answer)
      return runInTurns(linkDirectory(answer.written, knownRoles))
    },
    pins: async (text, file) => {
      await nextTurn()
      if (text.length <= atOnceLengthMax) return parsePins(text, file)
      const answer = await ask({ kind: 'pins', text, file })
      if (answer.kind !== 'pins') throw refusal(answer)
      return answer.pins
    },
  }
}

const ask = (question: ReaderQuestion): Promise<ReaderAnswer> =>
  askOwnThread<ReaderAnswer>(import.meta.url, './reader-thread', question, threadTimeoutMs)

function refusal(answer: ReaderAnswer): Error {
  if (answer.kind === 'fault') return new PolicyFileError(answer.file, answer.line, answer.reason)
  return new Error(`the thread answered \`${answer.kind}\` to another question`)
}
