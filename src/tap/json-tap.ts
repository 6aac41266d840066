// A JSON answer kept aside while it passes, and parsed once it is whole. Bounded: a larger answer is not read.
import { parseJson } from '../kernel/parse-json.ts'

/** Answers larger than this pass unread and are counted (16 MiB; a page of 1,000 events is about 1 MiB). */
export const answerBytesMax = 16 * 1024 * 1024

export type JsonTap = {
  readonly read: (chunk: Buffer) => void
  /** Parses what passed. Call it once, when the upstream ended its answer. */
  readonly finish: () => void
}

/** `onBody` gets the parsed answer; `onUnreadable` the reason when there is none. */
export function createJsonTap(deps: {
  readonly onBody: (body: unknown) => void
  readonly onUnreadable: (reason: string) => void
}): JsonTap {
  let chunks: Buffer[] = []
  let bytes = 0
  return {
    read: (chunk) => {
      bytes += chunk.length
      if (bytes <= answerBytesMax) chunks.push(chunk)
      else chunks = []
    },
    finish: () => {
      if (bytes > answerBytesMax) return deps.onUnreadable('answer_too_large')
      const body = parseJson(Buffer.concat(chunks).toString('utf8'))
      chunks = []
      if (body === undefined) deps.onUnreadable('answer_not_json')
      else deps.onBody(body)
    },
  }
}
