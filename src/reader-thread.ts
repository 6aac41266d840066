// The thread in which a large YAML file is parsed and checked, so that nobody waits for it. Started by
// `read-aside.ts` and by nobody else; one question, one answer, and it ends.
import { parentPort, workerData } from 'node:worker_threads'
import { readDirectory, type WrittenDirectory } from './identify/directory.ts'
import { PolicyFileError } from './kernel/errors.ts'
import { type Pins, parsePins } from './pin/pins-file.ts'

export type ReaderQuestion =
  | {
      readonly kind: 'directory'
      readonly text: string
      readonly file: string
      readonly knownRoles: ReadonlySet<string>
      readonly knownUpstreams: ReadonlySet<string> | null
    }
  | { readonly kind: 'pins'; readonly text: string; readonly file: string }

/** What can be copied between threads: data, no functions. An error of our own would arrive without its class. */
export type ReaderAnswer =
  | { readonly kind: 'directory'; readonly written: WrittenDirectory }
  | { readonly kind: 'pins'; readonly pins: Pins }
  | { readonly kind: 'fault'; readonly file: string; readonly line: number; readonly reason: string }

function answer(question: ReaderQuestion): ReaderAnswer {
  try {
    if (question.kind === 'pins') return { kind: 'pins', pins: parsePins(question.text, question.file) }
    const { text, file, knownRoles, knownUpstreams } = question
    return { kind: 'directory', written: readDirectory(text, file, knownRoles, knownUpstreams).written }
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error
    return { kind: 'fault', file: error.file, line: error.line, reason: error.reason }
  }
}

parentPort?.postMessage(answer(workerData))
