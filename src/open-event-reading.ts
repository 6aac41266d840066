// What the root makes of the reading of events: which ones are kept, and the key under which inputs of tools are hashed.
import { join } from 'node:path'
import { loadOrCreateKey } from './identify/pepper.ts'
import { type AnswerReader, createAnswerReaders, type EventsKept, isKept } from './tap/answer-readers.ts'
import { createInputHash } from './upstream/input-hash.ts'

export type EventReadingParts = {
  readonly events: EventsKept
  /** Absolute; the key lives here, made when it is missing. */
  readonly dataDir: string
}

/** Makes it. Throws when the key can neither be read nor made. */
export function openEventReading({ events, dataDir }: EventReadingParts): {
  readonly readers: ReadonlyMap<string, AnswerReader>
  readonly isRead: (type: string) => boolean
} {
  const key = loadOrCreateKey(
    join(dataDir, 'input-hash-key'),
    'remove it: hashes of tool inputs from then on are not comparable with earlier ones',
  )
  const hashInput = createInputHash(Buffer.from(key.reveal(), 'hex'))
  return { readers: createAnswerReaders({ events, hashInput }), isRead: isKept(events) }
}
